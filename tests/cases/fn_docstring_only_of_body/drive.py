from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, ran=list(m.ran), held=(m.twice, m.cached, m.C.p, m.C.__dict__["k"]))


def check(s):
    m, C = s.m, s.m.C
    assert m.ran == s.ran, m.ran
    assert s.held == (m.twice, m.cached, C.p, C.__dict__["k"])
    docs = {
        "twice": m.twice.__doc__, "wrapped": m.twice.__wrapped__.__doc__,
        "inner": m.twice.__wrapped__.__wrapped__.__doc__,
        "cached": m.cached.__doc__, "opened": m.opened.__doc__,
        "p": C.p.__doc__, "d": C.d.__doc__, "c": C.__dict__["c"].__doc__,
        "s": C.s.__doc__, "static": C.__dict__["s"].__doc__,
        "k": C.k.__doc__, "class": C.__dict__["k"].__doc__, "m": C.m.__doc__,
        "late": C.late.__doc__, "fset": C.p.fset.__doc__,
        "documented_now": m.documented_now.__doc__,
    }
    assert all((v or "").startswith("New") for v in docs.values()), docs
    assert m.no_more.__doc__ is None, m.no_more.__doc__
    assert m.own.__doc__ == "The wrapper's own."
    assert m.without.__doc__ is None, m.without.__doc__
    assert C.q.__doc__ == "Its own."
