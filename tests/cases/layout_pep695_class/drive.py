from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, st=m.Stack(1), sub=m.Sub(2), alias=m.Stack[int], named=m.Ints, value=m.Ints.__value__)


def check(s):
    m = s.m
    assert type(s.st) is m.Stack and (s.st.top, s.st.size) == (1, 0)
    assert type(s.sub) is m.Sub and (s.sub.top, s.sub.size) == (2, 0)
    assert s.alias.__origin__ is m.Stack and s.alias == m.Stack[int]
    assert m.Ints is s.named and m.Ints.__value__ == m.Stack[int] and m.Ints.__value__.__origin__ is m.Stack
    assert m.Pair_[m.Stack, int].__args__[0] is m.Stack and m.Either.__value__ == m.Stack | None
    T, = m.Stack.__type_params__
    assert m.Stack.__orig_bases__[0].__args__ == (T,) and m.Stack.__parameters__ == (T,)
    assert m.first(s.st) == 1 and m.Stack(3).size == 0
