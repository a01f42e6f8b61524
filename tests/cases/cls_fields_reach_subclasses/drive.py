from types import SimpleNamespace as S


def setup():
    import base, sub, other
    s = sub.Sub('n')
    s.tags.append(1)
    b = base.Base('b')
    l = sub.Leaf('l')
    o = other.Other('o')
    p = sub.Plain('p')
    Sub = sub.Sub
    return S(base=base, sub=sub, other=other, s=s, b=b, l=l, o=o, p=p, Sub=Sub)


def check(s):
    sub, other, s, b, l, o, p, Sub = s.sub, s.other, s.s, s.b, s.l, s.o, s.p, s.Sub
    assert s.extra == {} and b.extra == {} and (s.extra is not b.extra) and (s.tags == [1]) and (sub.Sub is Sub)
    t = sub.Sub('x', [], {'q': 1}, 5)
    assert t.level == 5 and t.extra == {'q': 1}
    assert repr(s) == "Sub(name='n', tags=[1], extra={}, level=1)"
    x = sub.Leaf('a', [], {}, 2, False)
    assert (x.level, x.leaf) == (2, False) and l.extra == {} and (o.extra == {}) and (p.extra == {}) and (other.Other('q', [], {'z': 1}).extra == {'z': 1}) and (repr(l) == "Leaf(name='l', tags=[], extra={}, level=1, leaf=True)")
    assert sub.SEEN == ['Listed']


def check2(s):
    sub, other = s.sub, s.other
    assert sub.Leaf().name == 'anon' and other.Other().who() == 'anon'


def check3(s):
    sub, other = s.sub, s.other
    assert sub.Sub('x', [], 7).level == 7 and other.Other('z', [1]).tags == [1] and (sub.SEEN == ['Listed'])
