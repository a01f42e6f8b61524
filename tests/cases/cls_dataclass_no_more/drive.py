from types import SimpleNamespace as S
import dataclasses


def setup():
    import m
    return S(m=m, p=m.P(4))


def check(s):
    assert repr(s.p) == '<P 4>' and s.p != s.m.P(4)
    assert not dataclasses.is_dataclass(s.p) and not hasattr(s.m.P, '__match_args__')
