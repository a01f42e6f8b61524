from types import SimpleNamespace as S


def setup():
    import m
    out = S(m=m)
    for name in ('Own', 'Slotted', 'Dict', 'List', 'Set', 'Error', 'Deep'):
        obj = getattr(m, name)()
        obj.v = name
        setattr(out, name, obj)
    return out


def check(s):
    m = s.m
    for name in ('Own', 'Slotted', 'Dict', 'List', 'Set', 'Error', 'Deep'):
        obj = getattr(s, name)
        assert type(obj) is getattr(m, name), name
        assert obj.v == name and obj.f() == 2, name
    assert s.Own.base() == 'base' and isinstance(s.Own, m.Base)
    s.Slotted.s = 4
    assert m.WithSlot.s.__get__(s.Slotted) == 4
    assert s.Dict == {} and s.Dict.setdefault('k', 3) == 3 and dict(s.Dict) == {'k': 3}
    assert s.List == [] and isinstance(s.List, list)
    s.List.append(1)
    assert s.List[0] == 1
    assert s.Set == set() and not s.Set.add(3) and 3 in s.Set
    assert s.Error.args == ()
    try:
        raise s.Error
    except m.Error as e:
        assert e is s.Error
    assert isinstance(s.Deep, KeyError) and isinstance(s.Deep, m.Error)


def check2(s):
    m = s.m
    for name in ('Own', 'Slotted', 'Dict', 'List', 'Set', 'Error', 'Deep'):
        obj = getattr(s, name)
        assert type(obj) is getattr(m, name), name
        assert obj.v == name and obj.f() == 1, name
        assert type(obj).__mro__ == (type(obj), object)
