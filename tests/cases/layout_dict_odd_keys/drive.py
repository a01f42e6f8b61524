from types import SimpleNamespace as S


class Str(str): pass


def setup():
    import m
    p = m.P(); p.__dict__[1] = 2; p.__dict__[Str('a')] = 3; p.b = 4
    q = m.P()
    q.a = 1
    vars(q)[(1, 2)] = 3
    q.y = 9
    r = m.P()
    r.y = 5
    r.z = 6
    return S(m=m, p=p, q=q, r=r)


def check(s):
    assert vars(s.p) == {1: 2, 'a': 3, 'b': 4}, vars(s.p)
    assert vars(s.q) == {'a': 1, (1, 2): 3, 'y': 9} or (vars(s.q) == {'a': 1, (1, 2): 3} and s.q.y == 9), vars(s.q)
    assert s.r.y == 5 and vars(s.r) == {'z': 6}, vars(s.r)
