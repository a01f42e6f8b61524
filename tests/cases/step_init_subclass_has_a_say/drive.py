from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, b=m.Button(), cls=m.Button)


def check(s):
    assert s.b.slots == ('on_press', 'on_release'), s.b.slots
    assert s.m.Button is s.cls and s.b.on_release() == 2
