from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, fast=m.fast, slow=m.slow)


def check(s):
    assert s.m.current is s.slow is s.m.slow
    assert s.fast() == 'fast' and s.slow() == 'slow' and s.m.fast is s.fast
