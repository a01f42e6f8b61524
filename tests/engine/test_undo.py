"""The undo log: every write can be taken back, exactly."""

import collections
import gc
import sys
import tracemalloc

import pytest

from midflight import _testengine as t


class Key:
    """All hashes are equal, and nobody may ask."""

    allowed = True

    def __init__(self, name):
        self.name = name

    def __hash__(self):
        assert Key.allowed
        return 5

    def __eq__(self, other):
        assert Key.allowed
        return self is other


class Words(dict):
    pass


@pytest.fixture
def log():
    return t.undo_new()


@pytest.fixture
def no_eq():
    yield
    Key.allowed = True


def test_empty_log(log):
    t.undo_replay(log)
    t.undo_drop(log)
    t.undo_drop(log)


def test_dict_set(log):
    d = {"a": 1, "b": 2, "c": 3}
    t.undo_write(log, "dict", d, "b", 20)
    t.undo_write(log, "dict", d, "new", 4)
    t.undo_write(log, "dict", d, "a")
    t.undo_write(log, "dict", d, "missing")
    assert list(d.items()) == [("b", 20), ("c", 3), ("new", 4)]
    t.undo_replay(log)
    assert list(d.items()) == [("a", 1), ("b", 2), ("c", 3)]
    t.undo_drop(log)
    assert list(d.items()) == [("a", 1), ("b", 2), ("c", 3)]


def test_dict_deletions_keep_order(log):
    d = {n: int(n) for n in "0123456789"}
    want = list(d.items())
    for n in "7315":
        t.undo_write(log, "dict", d, n)
    t.undo_write(log, "dict", d, "7", 70)
    t.undo_write(log, "dict", d, "2", 20)
    t.undo_replay(log)
    assert list(d.items()) == want


def test_other_writes_between_deletions(log):
    d, other = {n: int(n) for n in "0123456789"}, {"a": 1, "b": 2, "c": 3}
    want, others = list(d.items()), list(other.items())
    t.undo_write(log, "dict", d, "3")
    t.undo_write(log, "dict", d, "3", 33)
    t.undo_write(log, "dict", d, "new", 1)
    t.undo_write(log, "dict", d, "new")
    t.undo_write(log, "dict", other, "a")
    t.undo_write(log, "dict_exchange", d, {"x": 1, "y": 2, "5": 55})
    t.undo_write(log, "dict", d, "y")
    t.undo_write(log, "dict", d, "x", 10)
    t.undo_write(log, "dict", other, "b")
    t.undo_write(log, "dict", d, "x")
    t.undo_write(log, "dict", other, "c", 33)
    assert d == {"5": 55} and other == {"c": 33}
    t.undo_replay(log)
    t.undo_drop(log)
    assert list(d.items()) == want and list(other.items()) == others


def test_many_deletions_take_one_copy(log):
    d = {str(n): n for n in range(2000)}
    want = list(d.items())
    tracemalloc.start()
    for n in range(1, 2000):
        t.undo_write(log, "dict", d, str(n))
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert d == {"0": 0} and grown < 10 * sys.getsizeof(dict(want)), grown
    t.undo_replay(log)
    assert list(d.items()) == want


@pytest.mark.parametrize("read_first", [False, True])
def test_instance_dict(log, read_first):
    class C:
        pass

    for obj in (C(), C()):
        obj.x, obj.y, obj.z = 1, 2, 3
    if read_first:
        assert obj.__dict__["x"] == 1
    d = vars(obj)
    t.undo_write(log, "dict", d, "y")
    t.undo_write(log, "dict", d, "w", 4)
    t.undo_write(log, "dict", d, "x", 10)
    assert (obj.x, obj.z, obj.w) == (10, 3, 4)
    assert not hasattr(obj, "y")
    t.undo_replay(log)
    assert list(d.items()) == [("x", 1), ("y", 2), ("z", 3)]
    assert vars(obj) is d and obj.y == 2 and not hasattr(obj, "w")
    obj.w = 5
    assert d["w"] == 5


def test_ordered_dict_set(log):
    d = collections.OrderedDict((n, int(n)) for n in "01234")
    want = list(d.items())
    t.undo_write(log, "dict", d, "1")
    t.undo_write(log, "dict", d, "9", 9)
    t.undo_write(log, "dict", d, "3", 33)
    assert list(d.items()) == [("0", 0), ("2", 2), ("3", 33), ("4", 4),
                               ("9", 9)]
    t.undo_replay(log)
    assert list(d.items()) == want and list(reversed(d)) == list("43210")
    d.move_to_end("0")
    assert list(d) == list("12340")


@pytest.mark.parametrize("kind", [dict, Words, collections.OrderedDict,
                                  collections.Counter])
def test_dict_exchange(log, kind):
    make = collections.OrderedDict if kind is collections.OrderedDict else dict
    d = kind({"a": 1, "b": 2})
    contents = make([("z", 26), ("b", 20), (1, 2)])
    t.undo_write(log, "dict_exchange", d, contents)
    assert list(d.items()) == [("z", 26), ("b", 20), (1, 2)]
    assert type(d) is kind and len(d) == 3
    d["more"] = 1
    del d["more"]
    t.undo_replay(log)
    assert list(d.items()) == [("a", 1), ("b", 2)]


def test_dict_exchange_never_compares(log, no_eq):
    a, b, c = Key("a"), Key("b"), Key("c")
    d = {a: 1, b: 2}
    contents = {c: 3, b: 4, a: 5}
    Key.allowed = False
    t.undo_write(log, "dict_exchange", d, contents)
    assert list(d.values()) == [3, 4, 5]
    t.undo_replay(log)
    assert list(d.values()) == [1, 2]
    t.undo_drop(log)
    Key.allowed = True
    assert d[a] == 1 and d[b] == 2 and c not in d


def test_dict_exchange_of_instance(log):
    class C:
        def __init__(self):
            self.x, self.y = 1, 2

    obj = C()
    d = vars(obj)
    t.undo_write(log, "dict_exchange", d, {"y": 20, 3: 4})
    assert obj.y == 20 and not hasattr(obj, "x") and d[3] == 4
    t.undo_replay(log)
    assert list(d.items()) == [("x", 1), ("y", 2)]
    assert obj.x == 1 and vars(obj) is d
    assert vars(C()) == {"x": 1, "y": 2}


def test_dict_exchange_with_instance_contents(log):
    class C:
        def __init__(self):
            self.x, self.y = 1, 2

    d = {"a": 0}
    t.undo_write(log, "dict_exchange", d, vars(C()))
    assert d == {"x": 1, "y": 2}
    t.undo_replay(log)
    assert d == {"a": 0}


def test_dict_exchange_empty(log):
    d = {"a": 1}
    t.undo_write(log, "dict_exchange", d, {})
    assert d == {}
    t.undo_write(log, "dict_exchange", d, {})
    t.undo_replay(log)
    assert d == {"a": 1}


def test_dict_exchange_becomes_tracked(log):
    d = {"a": 1}
    t.undo_write(log, "dict_exchange", d, {"a": []})
    assert gc.is_tracked(d)


def test_ordered_dict_needs_its_kind(log):
    d = collections.OrderedDict(a=1)
    with pytest.raises(TypeError):
        t.undo_write(log, "dict_exchange", d, {"b": 2})
    assert list(d.items()) == [("a", 1)]
    t.undo_replay(log)


def test_module_globals_follow(log):
    space = {}
    exec("x = 1\ndef f(): return x", space)
    f = space["f"]
    for _ in range(2000):
        assert f() == 1
    new = dict(space)
    new["x"] = 2
    t.undo_write(log, "dict_exchange", space, new)
    assert [f() for _ in range(100)] == [2] * 100
    t.undo_replay(log)
    assert [f() for _ in range(100)] == [1] * 100
    t.undo_write(log, "dict", space, "x", 3)
    assert f() == 3
    t.undo_replay(log)
    assert f() == 1


def test_list_exchange(log):
    items = [1, 2, 3]
    t.undo_write(log, "list_exchange", items, [9])
    assert items == [9]
    items.append(8)
    items.pop()
    t.undo_replay(log)
    assert items == [1, 2, 3]


def test_list_being_sorted(log):
    items = [3, 1, 2]

    def key(item):
        with pytest.raises(RuntimeError):
            t.undo_write(log, "list_exchange", items, [0])
        return item

    items.sort(key=key)
    assert items == [1, 2, 3]


@pytest.mark.parametrize("old_size", [0, 3, 5, 100])
@pytest.mark.parametrize("new_size", [0, 3, 5, 100])
@pytest.mark.parametrize("kind", [set, frozenset])
def test_set_exchange(log, kind, old_size, new_size):
    old, new = set(range(old_size)), set(range(1000, 1000 + new_size))
    live, contents = kind(old), kind(new)
    t.undo_write(log, "set_exchange", live, contents)
    assert live == new and contents == old and len(live) == new_size
    assert hash(frozenset(live)) == hash(frozenset(new))
    if kind is set:
        live.add(-1)
        live.discard(-1)
    t.undo_replay(log)
    assert live == old and contents == new


def test_set_exchange_never_compares(log, no_eq):
    a, b = Key("a"), Key("b")
    live, contents = {a}, {b}
    Key.allowed = False
    t.undo_write(log, "set_exchange", live, contents)
    t.undo_replay(log)
    Key.allowed = True
    assert a in live and b not in live


def test_word(log):
    holder = ([], "x")
    old, new = holder[0], {}
    counts = sys.getrefcount(old), sys.getrefcount(new)
    t.undo_write(log, "tuple_word", holder, 0, new)
    assert holder[0] is new
    t.undo_replay(log)
    assert holder[0] is old
    t.undo_drop(log)
    assert counts == (sys.getrefcount(old), sys.getrefcount(new))


def test_retype(log):
    class A:
        pass

    class B:
        pass

    obj = A()
    counts = sys.getrefcount(A), sys.getrefcount(B)
    t.undo_write(log, "retype", obj, B)
    assert type(obj) is B
    t.undo_replay(log)
    assert type(obj) is A
    t.undo_drop(log)
    assert counts == (sys.getrefcount(A), sys.getrefcount(B))
    t.undo_write(log, "retype", obj, B)
    t.undo_drop(log)
    assert (sys.getrefcount(A), sys.getrefcount(B)) == (
        counts[0] - 1, counts[1] + 1)
    del obj
    assert sys.getrefcount(B) == counts[1]


def test_call_in_reverse_order(log):
    seen = []
    for n in range(3):
        t.undo_call(log, lambda n=n: seen.append(n))
    t.undo_replay(log)
    t.undo_replay(log)
    assert seen == [2, 1, 0]


def test_more_after_replay(log):
    d = {"a": 1}
    t.undo_write(log, "dict", d, "a", 2)
    t.undo_replay(log)
    t.undo_write(log, "dict", d, "a", 3)
    t.undo_replay(log)
    assert d == {"a": 1}
