from types import SimpleNamespace as S
import typing


def setup():
    import m
    return S(m=m)


def check(s):
    assert s.m.MaybeId == typing.Optional[str], s.m.MaybeId
    assert s.m.Rows == list[tuple[str, str]] and s.m.E == typing.Union[tuple[str, str], None]
    assert s.m.f.__annotations__ == {'a': str, 'r': list[tuple[str, str]], 'return': typing.Optional[str]}


def report(s, r):
    assert not r['kept'] and not r['notes'], (r['kept'], r['notes'])
