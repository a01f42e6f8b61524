from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, old=getattr(m, 'compute_total', None) or m.total, run=m.run)


def check(s):
    assert not hasattr(s.m, 'compute_total') and s.run([1, 2]) == 1003
    assert s.m.total([1]) == 1


def report(s, r):
    assert s.m.total is s.old
    assert s.old.__name__ == 'total' == s.old.__qualname__
