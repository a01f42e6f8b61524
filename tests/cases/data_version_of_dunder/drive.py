from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m)


def check(s):
    assert (s.m.__version__, s.m.USAGE) == ('1.3.0', 'prog 1.3.0'), (s.m.__version__, s.m.USAGE)
    assert s.m.__doc__ == 'A script.'


def report(s, r):
    assert not r['kept'], r['kept']
