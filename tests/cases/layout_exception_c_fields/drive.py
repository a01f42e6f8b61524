from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, osish=m.Osish(2, 'no'), stop=m.Stop(4), uni=m.Uni('u'), imp=m.Imp('i'), group=m.Group('g'))


def check(s):
    m = s.m
    new = m.answer() == 2
    for name in ('osish', 'stop', 'uni', 'imp', 'group'):
        obj = getattr(s, name)
        assert type(obj) is getattr(m, name.title())
        str(obj), repr(obj), obj.args
    assert isinstance(s.osish, OSError) is new and isinstance(s.stop, SystemExit) is new
    if new:
        s.osish.errno, s.stop.code, s.imp.name, s.uni
