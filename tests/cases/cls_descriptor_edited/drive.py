from types import SimpleNamespace as S


def setup():
    import m
    a = m.Account()
    a.balance = 5
    return S(m=m, a=a, d=vars(m.Account)['balance'])


def check(s):
    assert s.a.balance == 5 and vars(s.m.Account)['balance'] is s.d
    try:
        s.a.balance = -1
    except ValueError:
        pass
    else:
        raise AssertionError('the new __set__ does not run')
