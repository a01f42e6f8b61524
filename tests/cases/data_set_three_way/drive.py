from types import SimpleNamespace as S


def setup():
    import m
    m.WORDS.discard('a')
    m.WORDS.add('live')
    return S(m=m, words=m.WORDS)


def check(s):
    assert s.m.WORDS is s.words and s.words == {'b', 'x', 'd', 'live'}, s.words
