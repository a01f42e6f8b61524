from types import SimpleNamespace as S


def setup():
    import m
    try:
        try: raise m.E('a')
        except m.E as e: raise m.F('b') from e
    except m.F as f: x = f
    try: raise ExceptionGroup('g', [m.E(1), m.F(2)])
    except ExceptionGroup as g: y = g
    return S(m=m, x=x, y=y)


def check(s):
    assert s.x.code == 0 and s.x.__cause__.code == 0 and s.x.k == 1 and s.x.__traceback__ and s.x.__context__ is s.x.__cause__
    assert [e.code for e in s.y.exceptions] == [0, 0]
    try: raise s.x
    except s.m.E as e: assert e is s.x
