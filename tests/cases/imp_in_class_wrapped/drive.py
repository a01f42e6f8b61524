from types import SimpleNamespace as S


def setup():
    import main
    return S(main=main, use=main.outer())


def check(s):
    assert isinstance(vars(s.main.C)['f'], staticmethod)
    assert (s.main.C.v, s.main.C().f(), s.main.C.L.V, s.main.go()) == (2, 'f2', 2, (2, 'f2', 2))
    assert s.use() == 'f2' == s.main.U()


def report(s, r):
    assert not r['kept'], r['kept']
