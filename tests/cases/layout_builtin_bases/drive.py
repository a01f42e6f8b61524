from types import SimpleNamespace as S


def setup():
    import m
    try:
        raise m.E('a', 1)
    except m.E as e:
        error = e
    return S(m=m, l=m.L([1, 2]), d=m.D(a=1), z=m.Z('xy'), i=m.I(7), u=m.U('text'), t=m.T((1, [2])), e=error, keys={m.I(3): 3})


def check(s):
    m = s.m
    for obj, cls, value in ((s.l, m.L, [1, 2]), (s.d, m.D, {'a': 1}), (s.z, m.Z, {'x', 'y'}), (s.i, m.I, 7), (s.u, m.U, 'text'), (s.t, m.T, (1, [2]))):
        assert type(obj) is cls and obj == value, obj
        obj.extra = 1
    assert type(s.e) is m.E and s.e.args == ('a', 1) and s.e.__traceback__ is not None
    s.e.code = 4
    assert s.keys == {3: 3} and type(list(s.keys)[0]) is m.I
