from types import SimpleNamespace as S


def setup():
    import m
    db = m.DB()
    db.n = 5
    return S(m=m, db=db)


def check(s):
    assert s.m.DB() is s.db, s.m.Singleton._inst
    assert (s.db.q(), s.db.n, s.db.timeout) == ('q2', 5, 3)
