from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, doc=m.Doc(), makers=[m.Doc])


def check(s):
    assert s.m.Doc.sealed and s.makers[0] is s.m.Doc
    assert isinstance(s.doc, s.m.Doc) and s.doc.sealed and s.doc.text() == 'text'
