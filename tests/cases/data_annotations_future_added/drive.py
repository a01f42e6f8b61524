from types import SimpleNamespace as S


def setup():
    import m
    import n
    m.__annotations__, m.C.__annotations__
    return S(m=m, n=n, held=[(x, x.f, x.C) for x in (m, n)])


def same(s, module, words):
    def of(*types):
        return [t.__name__ if words else t for t in types]
    a, b, c = of(int, str, float)
    assert module.__annotations__ == {"first": a, "taken": b, "bare": c}, module.__annotations__
    assert module.f.__annotations__ == {"a": a, "return": b}, module.f.__annotations__
    assert module.C.__annotations__ == {"x": a}, module.C.__annotations__
    assert all(x.f is f and x.C is C for x, f, C in s.held)


def check(s):
    same(s, s.m, True)
    same(s, s.n, False)


def check2(s):
    same(s, s.m, False)
    same(s, s.n, True)
