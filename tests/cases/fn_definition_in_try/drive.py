from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.fast_sum)


def check(s):
    assert s.f([1]) == 1.25 and s.m.fast_sum is s.f
