from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, users=[m.User('Ann Lee'), m.User('single')])


def check(s):
    assert [vars(u) for u in s.users] == [{'name': 'Ann Lee'}, {'name': 'single'}], [vars(u) for u in s.users]
    assert not hasattr(s.m.User, '__migrate__')
