from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, ctrl=m.KEYS['ctrl'])


def apply(s, update):
    update()
    if update.midflight is not None:
        assert sorted(s.ctrl) == ['c', 'o', 's'] and s.m.KEYS['ctrl'] is s.ctrl
        assert update.midflight.undo().outcome == 'committed'


def check(s):
    assert sorted(s.ctrl) == ['c', 'o'] and s.m.KEYS['ctrl'] is s.ctrl, s.ctrl
    assert [f() for f in s.m.KEYS['alt']] == ['a1', 'b1'] and s.m.KEYS['ctrl']['o']() == 'a1'
