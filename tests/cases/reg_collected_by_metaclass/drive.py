from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, user=m.User, post=m.Post)


def check(s):
    m = s.m
    assert m.User is s.user and m.Post is s.post
    assert (m.User._count, m.Post._count, m.Draft._count) == (1, 2, 3)
    assert list(m.Post._fields) == ['user', 'title'], m.Post._fields
    assert list(m.Draft._fields) == ['user', 'title', 'editor'], m.Draft._fields
    assert m.Post._fields['user'].model is m.User
    assert 'user' not in vars(m.Post) and 'editor' not in vars(m.Draft)
