import gc
from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, point=m.Point(), solid=m.Solid(), x=m.Point.__dict__['x'])


def check(s):
    m = s.m
    gc.collect()
    filler = [type('T%d' % i, (), {'__slots__': ('p', 'q', 'r')}) for i in range(200)]
    for point in s.point, m.Point():
        assert (point.x, point.y) == (1, 2), (point.x, point.y)
    for solid in s.solid, m.Solid():
        assert (solid.x, solid.y, solid.z, solid.more) == (1, 2, 3, 4), (solid.x, solid.y, solid.z)
        assert vars(solid) == {'more': 4}
    assert len(filler) == 200 and m.Point.__dict__['x'] is s.x
