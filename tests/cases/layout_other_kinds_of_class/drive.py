import typing
from types import SimpleNamespace as S


def setup():
    import m
    out = S(m=m, red=m.Color.RED, table={m.Color.RED: 'r'})
    for name in ("Abc", "Gen", "Proto", 'Data', 'Below', 'Up', 'Low'):
        obj = getattr(m, name)()
        obj.v = 1
        setattr(out, name, obj)
    out.Up.u = 2
    return out


def check(s):
    m = s.m
    for name in ('Abc', 'Gen', 'Data', 'Below', 'Up', 'Low'):
        obj = getattr(s, name)
        assert type(obj) is getattr(m, name) and obj.v == 1 and obj.f() == 2, name
    assert type(m.Abc).__name__ == 'ABCMeta' and m.Abc.register(int) and isinstance(3, m.Abc)
    assert m.Gen[int].__origin__ is m.Gen and m.Gen.__orig_bases__ == (typing.Generic[m.T],)
    assert isinstance(s.Below, m.Proto) and isinstance(s.Abc, m.Proto) and not isinstance(3, m.Proto)
    assert s.Data == m.Data(1) and not hasattr(s.Data, '__dict__') and repr(s.Data) == 'Data(v=1)'
    assert isinstance(s.Below, m.Slotted) and not hasattr(s.Below, 's')
    s.Below.s = 3
    assert m.Color.RED is s.red and s.red == 'red' and isinstance(s.red, str) and s.table[s.red] == 'r' and s.table['red'] == 'r'
    assert m.Color('red') is s.red and s.red.value == 'red' and type(s.red) is m.Color
    assert m.Low.__mro__ == (m.Low, m.Up, object) and s.Up.u == 2 and isinstance(s.Low, m.Up)


def check2(s):
    m = s.m
    for name in ('Abc', 'Gen', 'Data', 'Below', 'Up', 'Low'):
        obj = getattr(s, name)
        assert type(obj) is getattr(m, name) and obj.v == 1 and obj.f() == 1, name
        assert type(obj).__mro__ == (type(obj), object), type(obj).__mro__
    assert m.Color.RED is s.red and s.red.value == 'red' and s.red != 'red' and s.table[s.red] == 'r'
