"""The undo log: attributes of classes, as `type` sets them."""

import pytest

from midflight import _testengine as t


@pytest.fixture
def log():
    return t.undo_new()


class Meta(type):
    def __setattr__(cls, name, value):
        raise AssertionError("a metaclass was asked")


def snapshot(cls):
    return list(vars(cls).items()), cls.__bases__, cls.__name__, cls.__qualname__


@pytest.mark.parametrize("meta", [type, Meta])
def test_type_set(log, meta):
    class Base:
        pass

    class C(metaclass=meta):
        """Old."""

        x = 1

        def __len__(self):
            return 3

        y = 2

    class D(C):
        pass

    before = snapshot(C)
    obj = C()
    t.undo_write(log, "type", C, "x", 10)
    t.undo_write(log, "type", C, "__len__", lambda self: 4)
    assert len(obj) == 4 and len(D()) == 4 and obj.x == 10
    t.undo_write(log, "type", C, "__len__")
    with pytest.raises(TypeError):
        len(obj)
    t.undo_write(log, "type", C, "missing")
    t.undo_write(log, "type", C, "__call__", lambda self: 5)
    t.undo_write(log, "type", C, "__doc__", "New.")
    t.undo_write(log, "type", C, "__name__", "E")
    t.undo_write(log, "type", C, "__qualname__", "E.E")
    assert obj() == 5 and C.__doc__ == "New." and C.__name__ == "E"
    t.undo_replay(log)
    assert snapshot(C) == before
    assert len(obj) == 3 and len(D()) == 3 and obj.x == 1
    assert not callable(obj)
    assert C.__doc__ == "Old."


def test_type_set_annotations_and_abstract(log):
    class C:
        a: int

    before = C.__annotations__
    keys = list(vars(C))
    t.undo_write(log, "type", C, "__annotations__", {"b": str})
    t.undo_write(log, "type", C, "__abstractmethods__", frozenset({"f"}))
    assert C.__annotations__ == {"b": str}
    with pytest.raises(TypeError):
        C()
    t.undo_replay(log)
    assert C.__annotations__ == before == {"a": int}
    assert list(vars(C)) == keys
    C()


def test_type_bases(log):
    class Root:
        pass

    class A(Root):
        def f(self):
            return "a"

    class B(Root):
        def f(self):
            return "b"

    class C(A):
        pass

    t.undo_write(log, "type", C, "__bases__", (B,))
    assert C().f() == "b"
    t.undo_replay(log)
    assert C().f() == "a" and C.__mro__ == (C, A, Root, object)


def test_type_set_seen_by_specialised_code(log):
    class C:
        x = 1

    def read(obj):
        return obj.x

    obj = C()
    for _ in range(2000):
        assert read(obj) == 1
    t.undo_write(log, "type", C, "x", 2)
    assert read(obj) == 2
    t.undo_replay(log)
    assert read(obj) == 1
    for _ in range(2000):
        assert read(obj) == 1
    t.undo_write(log, "type", C, "x")
    with pytest.raises(AttributeError):
        read(obj)
    t.undo_replay(log)
    assert read(obj) == 1


def test_builtin_type_refuses(log):
    with pytest.raises(TypeError):
        t.undo_write(log, "type", int, "x", 1)
    t.undo_replay(log)
