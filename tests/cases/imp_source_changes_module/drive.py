from types import SimpleNamespace as S


def setup():
    import m, lib1
    return S(m=m, lib1=lib1, f=lib1.f)


def check(s):
    assert s.m.call() == 'lib2'
    assert s.lib1.f is s.f and s.f() == 'lib1', 'the function of the other module is untouched'
