from types import SimpleNamespace as S


def setup():
    import m
    p = m.P()
    p.a = 1
    d = vars(p)
    return S(m=m, p=p, d=d, undone=False)


def read(p):
    return p.a


def apply(s, update):
    update()
    if update.midflight is None:
        return
    assert update.midflight.undo().outcome == 'committed'
    other = s.m.P()
    other.a = 0
    for _ in range(5000):       # the interpreter learns where the attribute is
        read(other)
    s.d['a'] = 5
    assert vars(s.p) is s.d
    s.undone = True


def check(s):
    assert s.undone and read(s.p) == 5, read(s.p)
