from types import SimpleNamespace as S


def setup():
    import m
    read, unread = m.Doc(), m.Doc()
    kept = read.words
    return S(m=m, read=read, unread=unread, kept=kept)


def check(s):
    assert s.read.words is s.kept
    assert s.unread.words == ['new'] == s.m.Doc().words
