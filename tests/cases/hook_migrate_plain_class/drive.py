from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, temps=[m.Temp(0), m.Temp(27)])


def apply(s, update):
    update()
    if update.midflight is None:
        return
    assert [t.kelvin for t in s.temps] == [273, 300]
    s.temps[0].kelvin = 283
    assert update.midflight.undo().outcome == 'committed'
    assert [t.celsius for t in s.temps] == [10, 27], [vars(t) for t in s.temps]
    assert update()['outcome'] == 'committed'


def check(s):
    assert [t.kelvin for t in s.temps] == [283, 300], [vars(t) for t in s.temps]
