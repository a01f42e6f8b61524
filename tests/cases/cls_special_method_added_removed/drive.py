from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, bag=m.Bag())


def check(s):
    assert len(s.bag) == 100 and list(s.bag) == [1, 2] and 42 in s.bag
    assert not callable(s.bag)
