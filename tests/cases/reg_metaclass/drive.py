from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, User=m.User)


def check(s):
    assert s.m.Meta.registry == [s.m.Model, s.m.User], s.m.Meta.registry
    assert s.m.User is s.User and s.User.table == 'people' and s.User.key == 'id'
