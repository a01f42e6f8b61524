from types import SimpleNamespace as S


def setup():
    import m
    m.C.made = 1
    return S(m=m)


def check(s):
    assert {k: v for k, v in vars(s.m.C).items() if k[0] != '_'} == {'a': 1, 'b': 5, 'made': 1}
