from types import SimpleNamespace as S


def setup():
    import m
    s = S(m=m, osish=m.Osish(2, 'no'), stop=m.Stop(4), imp=m.Imp('i'), kept=m.Kept(2, 'gone', 'file'), group=m.Group('g', [ValueError(1), m.Imp('x')]),
          uni=m.Uni('ascii', b'xyz', 1, 2, 'why'), leave=m.Leave(7))
    s.kept.characters = 3
    return s


def check(s):
    m = s.m
    for name in ('osish', 'stop', 'imp', 'kept', 'group', 'uni', 'leave'):
        assert type(getattr(s, name)) is getattr(m, name.title()), name
    assert isinstance(s.osish, OSError) and (s.osish.errno, s.osish.strerror, s.osish.args) == (2, 'no', (2, 'no'))
    assert isinstance(s.stop, SystemExit) and s.stop.code == 4 and isinstance(s.imp, ImportError) and s.imp.msg == 'i' and s.imp.name is None
    assert (s.kept.errno, s.kept.strerror, s.kept.filename, s.kept.characters) == (2, 'gone', 'file', 3) and str(s.kept) == "[Errno 2] gone: 'file'"
    s.kept.note = 1
    assert len(s.group.exceptions) == 2 and s.group.message == 'g' and type(s.group.exceptions[1]) is m.Imp
    s.group.note = 1
    assert str(s.uni) == "'ascii' codec can't decode byte 0x79 in position 1: why" and (s.uni.start, s.uni.end, s.uni.object) == (1, 2, b'xyz')
    assert s.leave.args == (7,) and not hasattr(s.leave, 'code')
    try:
        raise s.group
    except* ImportError as e:
        assert e.exceptions[0] is s.group.exceptions[1]
    except* ValueError:
        pass
