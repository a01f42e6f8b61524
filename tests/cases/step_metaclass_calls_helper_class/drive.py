from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, user=m.User, post=m.Post)


def check(s):
    m = s.m
    assert m.User is s.user and m.Post is s.post
    assert m.User.options.many is m.Post.options.many is False and m.Draft.options.many is True
    assert list(m.Post._fields) == ['user', 'title'], m.Post._fields
    assert list(m.Draft._fields) == ['user', 'title', 'editor'], m.Draft._fields
    assert m.Post._fields['user'].model is m.User
