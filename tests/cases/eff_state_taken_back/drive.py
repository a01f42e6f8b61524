from types import SimpleNamespace as S


def state(m):
    return (repr(m.ids), repr(m.fives), repr(m.far.__self__), bytes(m.log), m.sizes.tolist(), m.sizes.typecode, bytes(m.box.left),
            repr(m.box.many["ids"]), m.numbered.calls)


def setup():
    import m
    view = memoryview(m.box.left)              # its size is fixed as long as somebody looks
    next(m.ids)
    return S(m=m, before=state(m), view=view, first=m.first.id)


def check(s):
    assert state(s.m) == s.before, (s.before, state(s.m))
    assert s.m.second() == 1 and s.m.second.id == (2, 15, 2 ** 70 + 1, 101)


def check2(s):
    assert s.m.second() == 2 and s.m.second.id == (4, 20, 2 ** 70 + 2, 102), s.m.second.id
    assert s.m.first.id == s.first and s.m.numbered.calls == 3
