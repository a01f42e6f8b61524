from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, opts=m.OPTS)


def names(s):
    assert s.opts is s.m.OPTS
    return [o.name for o in s.opts]


def check(s):
    assert names(s) == ['a', 'b', 'c'], names(s)
    assert s.opts[0].default == 10 and s.m.MAIN.default is False
    s.opts.append(s.m.Opt('live', 0))


def check2(s):
    assert names(s)[-1] != 'c' and 'live' in names(s), names(s)
