from types import SimpleNamespace as S


def setup():
    import fields, m
    return S(fields=fields, m=m, A=m.A)


def check(s):
    A = s.A
    assert A._fields == ['a', 'b', 'c'] and A.__dict__['b'].size == 2, A._fields
    assert s.fields.SEEN == [(A, 'a'), (A, 'b'), (A, 'c')], s.fields.SEEN
