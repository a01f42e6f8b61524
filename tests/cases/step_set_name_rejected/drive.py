from types import SimpleNamespace as S


def setup():
    import fields, m
    return S(fields=fields, m=m, A=m.A)


def check(s):
    A = s.A
    assert A._fields == [] and not hasattr(A, 'last') and not hasattr(A, 'b'), vars(A)
    assert s.fields.SEEN == [] and s.m.X == 1


def check2(s):
    A = s.A
    assert A is s.m.A and A._fields == ['b'] and A.last == 'b' and s.fields.SEEN == [(A, 'b')], (A._fields, A.last, s.fields.SEEN)
    assert s.m.X == 2
