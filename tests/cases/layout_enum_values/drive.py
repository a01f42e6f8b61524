import weakref
from types import SimpleNamespace as S


def setup():
    import m
    low, high = m.Level.LOW, m.Level.HIGH
    return S(m=m, low=low, high=high, gone=getattr(m.Level, 'GONE', None), table={low: 'l', (high, 1): 'h'}, known={low, high}, ref=weakref.ref(m.Color.RED),
             red=m.Color.RED, f=lambda: low, text={m.Color.RED: 1}, rw=m.Perm.R | m.Perm.W, r=m.Perm.R, half=m.Share.HALF, one=m.Pair.ONE, Level=m.Level,
             soft=m.Soft.A | m.Soft.B, box=m.Box(low))


def check(s):
    m = s.m
    L = m.Level
    assert L is s.Level and L.LOW is s.low and s.low == 10 and s.low.value == 10 and int(s.low) == 10 and type(s.low) is L
    assert L(10) is s.low and L['HIGH'] is s.high and s.high == 20 and s.high.up() == 21
    assert s.table[s.low] == 'l' and s.table[10] == 'l' and s.table[s.high, 1] == 'h' and s.table[20, 1] == 'h'
    assert s.known == {10, 20} and s.low in s.known
    assert s.ref() is s.red and s.f() is s.low and m.default() is s.low and s.box.level is s.low
    assert [x.name for x in L] == ['LOW', 'HIGH', 'TOP'] and L.TOP == 99
    assert s.gone is None or (s.gone == 3 and isinstance(s.gone, L))
    assert m.ORDER == [L.LOW, L.HIGH] and m.ORDER[0] is s.low
    assert s.red == 'rot' and m.Color.RED is s.red and s.text['rot'] == 1 and m.Color('rot') is s.red and s.red.value == 'rot'
    assert m.Pair.ONE is s.one and s.one == (1, 5) and s.one.value == (1, 5)
    assert m.Share.HALF is s.half and s.half == 0.25 and m.Share(0.25) is s.half
    assert m.Perm.R is s.r and s.r == 8 and s.rw == m.Perm.R | m.Perm.W and s.rw == 10 and m.Perm.R in s.rw, s.rw
    assert s.soft == m.Soft.A | m.Soft.B and m.Soft.A in s.soft and s.soft.value == 6, s.soft
    match s.low:
        case L.LOW:
            pass
        case _:
            raise AssertionError(s.low)
    try:
        L(1)
    except ValueError:
        pass
    else:
        raise AssertionError('1 is no value any more')


def check2(s):
    m = s.m
    L = m.Level
    assert L.LOW is s.low and s.low == 1 and s.table[1] == 'l' and s.ref() is s.red and s.f() is s.low and m.default() is s.low
    assert m.Pair.ONE is s.one and s.one == (1, 2)
    assert L.HIGH is s.high and s.table[2, 1] == 'h' and s.red == 'red' and s.rw == 3 and s.rw == m.Perm.R | m.Perm.W and s.soft == m.Soft.A | m.Soft.B
