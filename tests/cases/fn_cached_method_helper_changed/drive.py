from types import SimpleNamespace as S


def setup():
    import m
    p = m.Parser()
    p.parse('a,b')
    return S(m=m, p=p, parse=m.Parser.parse)


def check(s):
    assert s.p.parse('a,b') == ['a', 'b'] == s.parse('a,b')
