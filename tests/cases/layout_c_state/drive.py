from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, e=m.E(b'text'))


def check(s): pass


def unchanged(s): assert s.e.getvalue() == b'text' and type(s.e) is s.m.E
