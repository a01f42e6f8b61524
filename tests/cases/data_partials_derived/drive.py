from types import SimpleNamespace as S


def setup():
    import m
    import n
    m.CHANGED = m.partial(m.power, r=50)
    return S(m=m, n=n, held=(m.P, m.EDITED, m.C.method))


def check(s):
    m = s.m
    assert s.held == (m.P, m.EDITED, m.C.method), s.held
    assert m.P(10) == m.Q == 20 and s.n.R == 2 and s.n.P is m.P, (m.P, m.Q)
    assert m.EDITED() == 21, m.EDITED
    assert m.C.method(3) == 6 and m.TABLE["p"](3) == 6, m.C.method
    assert m.GET({"a": 1, "b": 2}) == 2 and m.CALL("x") == "x ", m.GET
    assert m.CHANGED(1) == 50, m.CHANGED


def apply(s, update):
    update()
    if update.midflight is None:
        return
    check(s)
    undone = update.midflight.undo()
    assert undone.outcome == "committed", undone
    m = s.m
    assert s.held == (m.P, m.EDITED, m.C.method), s.held
    assert m.P(10) == m.Q == 10 and m.EDITED(2) == 2 and m.C.method(3) == 3, (m.P, m.Q, m.EDITED)
    update()
