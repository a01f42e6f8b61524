from types import SimpleNamespace as S


def setup():
    import m
    e = m.Empty()
    return S(m=m, e=e, others=[m.Empty(), m.Empty()], pair=(e, 1), table={'e': e}, keys={e: 1}, sub=m.Sub(), num=m.Num(7), word=m.Word('w'), nums=(m.Num(8),), full=m.Full())


def check(s):
    m = s.m
    for obj in (s.e, s.others[0], s.others[1], s.pair[0], s.table['e'], next(iter(s.keys))):
        assert type(obj) is m.Empty and obj.tell() == 2, obj
        obj.x = 1
        assert obj.x == 1
    assert s.pair[0] is s.e and s.table['e'] is s.e and s.keys[s.e] == 1
    assert type(s.sub) is m.Sub and isinstance(s.sub, m.Empty) and s.sub.tell() == 2
    assert type(s.num) is m.Num and s.num == 7 and s.num.up() == 8
    s.num.unit = 'm'
    assert type(s.nums[0]) is m.Num and s.nums[0] == 8 and s.nums[0].up() == 9
    assert type(s.word) is m.Word and s.word == 'w' and s.word.up() == 'W'
    s.word.unit = 'm'
    assert type(s.full) is m.Full and not hasattr(s.full, '__dict__')


def check2(s):
    m = s.m
    for obj in (s.e, s.others[0], s.others[1], s.pair[0], s.table['e'], next(iter(s.keys))):
        assert type(obj) is m.Empty and obj.tell() == 1 and not hasattr(obj, 'x')
    assert s.pair[0] is s.e and s.table['e'] is s.e and s.keys[s.e] == 1
    assert type(s.num) is m.Num and s.num == 7 and not hasattr(s.num, 'unit')
    assert type(s.word) is m.Word and s.word == 'w'
