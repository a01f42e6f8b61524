from types import SimpleNamespace as S


def setup():
    import m
    users = [m.User('Ann Lee'), m.User('Bo Ek')]
    return S(m=m, users=users, table={id(u): u for u in users})


def check(s):
    assert [(u.first, u.last) for u in s.users] == [('Ann', 'Lee'), ('Bo', 'Ek')]
    assert sorted(s.m.CALLS) == [(True, '', 'Ann Lee'), (True, '', 'Bo Ek')], s.m.CALLS
    assert all(s.table[k] in s.users for k in s.table)
