from types import SimpleNamespace as S


def seen(c):
    return [c.show(value) for value in (None, 1, 2.0, 3j, [], (), b"")]


def setup():
    import m
    c = m.Commands()
    table, order = m.Commands.table, m.Commands.order
    table["extra"] = len
    assert seen(c) == ["thing", "int", "float", "thing", "list", "thing", "bytes"]
    return S(m=m, c=c, table=table, order=order, start=m.Commands.start)


def same(s):
    m, c, table, order = s.m, s.c, s.table, s.order
    cls = m.Commands
    assert cls.table is table and cls.order is order and cls.start is s.start
    assert table == {"start": cls.start, "halt": cls.halt, "extra": len}, table
    assert order == [cls.start, cls.halt], order
    assert seen(c) == seen(cls()) == ["thing", "int", "thing", "complex", "thing", "tuple", "bytes"], seen(c)


def check(s):
    same(s)
    assert s.c.pause() == "pause"


def check2(s):
    same(s)
    assert not hasattr(s.c, "pause")
