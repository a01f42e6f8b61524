from types import SimpleNamespace as S


def setup():
    import m
    o = m.Show()
    o.show('a'), o.show(1)
    return S(m=m, o=o)


def check(s):
    assert (s.o.show(1), s.o.show('a'), s.o.show(1.5)) == ('int!', 'str', 'any'), (s.o.show(1), s.o.show('a'))
