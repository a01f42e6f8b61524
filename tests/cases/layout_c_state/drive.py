from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, e=m.E(2, 'no', 'f'))


def check(s): pass


def unchanged(s): assert s.e.filename == 'f' and type(s.e) is s.m.E
