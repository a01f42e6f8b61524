"""References move from one object to another, in holders of every kind."""

import collections
import gc
import random
import sys
import types
import weakref

import become_graph
import pytest

from midflight import _testengine as t

t.heap_probe()

NO_LOG, COMMIT, REPLAY = -1, 0, 1


def made(number):
    """A function and a class of their own."""
    def function():
        return number

    class Made:
        tag = number

        def name(self):
            return self.tag

    return function, Made


def holders_of(pairs):
    """Everything that refers to what is to go, but for our own lists."""
    gc.collect()
    found = t.become_holders(pairs)
    own = {id(pair) for pair in pairs} | {id(pairs)}
    return [obj for obj in found
            if id(obj) not in own and not isinstance(obj, types.FrameType)]


def become(pairs, mode=NO_LOG, weakly=True):
    return t.become(pairs, holders_of(pairs), weakly, mode)


def test_layouts_are_known():
    t.objects_probe()


def test_the_graph_itself():
    F, C = made("x")
    assert become_graph.wrong(become_graph.build(F, C), F, C) == []


@pytest.mark.parametrize("mode", [NO_LOG, COMMIT])
def test_every_kind_of_holder(mode):
    F, C = made("new")
    old_F, old_C = made("old")
    graph = become_graph.build(old_F, old_C)
    pairs = [(old_F, F), (old_C, C)]
    _, unsure = become(pairs, mode)
    assert unsure == 0
    assert become_graph.wrong(graph, F, C) == []
    gone = weakref.ref(old_F), weakref.ref(old_C)
    assert gone == (weakref.ref(old_F), weakref.ref(old_C))
    del pairs, old_F, old_C
    gc.collect()
    assert [ref() for ref in gone] == [None, None]


def test_replay_takes_everything_back():
    F, C = made("new")
    old_F, old_C = made("old")
    graph = become_graph.build(old_F, old_C)
    pairs = [(old_F, F), (old_C, C)]
    for _ in range(3):
        before = [sys.getrefcount(obj) for obj in (old_F, old_C)]
        become(pairs, REPLAY)
        gc.collect()
        assert [sys.getrefcount(obj) for obj in (old_F, old_C)] == before
        assert become_graph.wrong(graph, old_F, old_C, once=False) == []
    become(pairs, COMMIT)
    assert become_graph.wrong(graph, F, C) == []


def test_nothing_of_the_program_runs():
    class Loud:
        def __init__(self, number):
            self.number = number

        def __eq__(self, other):
            raise AssertionError("asked")

        def __hash__(self):
            if Loud.asked:
                raise AssertionError("asked")
            return 7

    Loud.asked = False
    (F, C), (old_F, old_C) = made("new"), made("old")
    key = Loud(1)
    table = {key: 1, old_C: 2}
    keys = {key, old_C}
    Loud.asked = True
    become([(old_F, F), (old_C, C)])
    assert list(table) == [key, C] and table[C] == 2
    assert C in keys and old_C not in keys


def test_two_keys_become_one():
    (F, C), (old_F, old_C) = made("new"), made("old")
    plain = {C: 1, "between": 0, old_C: 2}
    deep = {(C, 1): "first", (old_C, 1): "second", (old_F,): 3}
    ordered = collections.OrderedDict([(C, 1), (2, 2), (old_C, 3), (F, 4)])
    as_set = {C, old_C, (C,), (old_C,)}
    weak = weakref.WeakSet([C, old_C])
    become([(old_F, F), (old_C, C)])
    assert list(plain.items()) == [(C, 2), ("between", 0)]
    assert list(deep.items()) == [((C, 1), "second"), ((F,), 3)]
    assert list(ordered.items()) == [(C, 3), (2, 2), (F, 4)]
    ordered.move_to_end(C)
    assert [ordered.popitem() for _ in range(3)] == [(C, 3), (F, 4), (2, 2)]
    assert as_set == {C, (C,)} and len(as_set) == 2
    assert len(weak) == 1 and C in weak


def test_two_keys_become_one_and_are_two_again():
    (F, C), (old_F, old_C) = made("new"), made("old")
    ordered = collections.OrderedDict([(C, 1), (2, 2), (old_C, 3), (F, 4)])
    as_set = {C, old_C, (C,), (old_C,)}
    become([(old_F, F), (old_C, C)], REPLAY)
    assert list(ordered.items()) == [(C, 1), (2, 2), (old_C, 3), (F, 4)]
    assert as_set == {C, old_C, (C,), (old_C,)} and len(as_set) == 4
    assert ordered.popitem() == (F, 4) and ordered[old_C] == 3


def test_a_hash_that_only_python_knows():
    class Key:
        def __init__(self, cls):
            self.cls = cls

        def __hash__(self):
            return hash(self.cls)

        def __eq__(self, other):
            return self.cls is other.cls

    (F, C), (old_F, old_C) = made("new"), made("old")
    table = {Key(old_C): 1}
    _, unsure = become([(old_F, F), (old_C, C)])
    assert unsure == 1 and next(iter(table)).cls is C


def test_another_layout_is_refused():
    class Old:
        __slots__ = ("a",)

    class New:
        __slots__ = ("a", "b")

    instance = Old()
    instance.a = 1
    with pytest.raises(TypeError, match="layouts"):
        t.become([(Old, New)], [instance], False, NO_LOG)
    assert type(instance) is Old and instance.a == 1


def test_a_class_leaves_its_base_for_another():
    class Old:
        pass

    class New:
        pass

    class Derived(Old):
        pass

    become([(Old, New)])
    assert Derived.__mro__ == (Derived, New, object)
    assert New.__subclasses__() == [Derived] and Old.__subclasses__() == []


def test_attribute_caches_follow():
    class Holder:
        pass

    def old():
        return "old"

    def new():
        return "new"

    Holder.call = staticmethod(old)

    def ask():
        return Holder.call()

    assert {ask() for _ in range(200)} == {"old"}
    become([(old, new)])
    assert {ask() for _ in range(200)} == {"new"}


def test_counts_tell_whether_something_else_holds_an_object():
    (F, _), (old_F, _) = made("new"), made("old")
    graph = [[old_F], {"a": old_F, old_F: 1}, (old_F, old_F)]
    assert t.become_count([(old_F, F)], graph) == [5]


def test_words_that_nobody_has_set():
    """Memory of a generator that held the same object before: what is left of that is no reference."""
    space = {}
    exec("def generator(kept, %s):\n    yield kept" % ", ".join("more%d=None" % i for i in range(20)), space)
    generator = space["generator"]

    (F, _), (old_F, _) = made("new"), made("old")
    kept, size = [], (sys.getsizeof(generator(None)) - sys.getsizeof(())) // 8
    for _ in range(20):
        garbage = (old_F,) * size
        del garbage
        kept.append(generator(old_F))
    before = sys.getrefcount(F)
    become([(old_F, F)])
    assert sys.getrefcount(F) == before + len(kept)
    del kept
    assert sys.getrefcount(F) == before


def random_graph(rng, targets, size):
    """Containers in containers, over the targets and plain values."""
    hashable = list(targets) + [1, "a", None]
    anything = list(hashable)
    kept = []
    for _ in range(size):
        few = [rng.choice(hashable) for _ in range(rng.randrange(1, 5))]
        any_few = [rng.choice(anything) for _ in range(rng.randrange(1, 5))]
        kind = rng.randrange(8)
        if kind == 0:
            obj = list(any_few)
        elif kind == 1:
            obj = tuple(few)
            hashable.append(obj)
        elif kind == 2:
            obj = frozenset(few)
            hashable.append(obj)
        elif kind == 3:
            obj = set(few)
        elif kind == 4:
            obj = {key: rng.choice(anything) for key in few}
        elif kind == 5:
            obj = collections.OrderedDict((key, 1) for key in few)
        elif kind == 6:
            obj = become_graph.with_attributes(
                become_graph.Plain(), a=any_few[0], b=any_few[-1])
        else:
            obj = collections.deque(any_few)
        anything.append(obj)
        kept.append(obj)
    return kept


def described(kept, names):
    """The graph with names for its targets; tables must find their keys."""
    memo = {}

    def describe(obj):
        if id(obj) in names:
            return names[id(obj)]
        if id(obj) in memo:
            return memo[id(obj)]
        if isinstance(obj, (list, collections.deque)):
            result = [type(obj).__name__, *map(describe, obj)]
        elif isinstance(obj, tuple):
            result = ("tuple", *map(describe, obj))
        elif isinstance(obj, (set, frozenset)):
            assert all(item in obj for item in obj)
            items = sorted(map(repr, map(describe, obj)))
            result = (type(obj).__name__, *items)
        elif isinstance(obj, dict):
            assert all(key in obj for key in obj)
            result = ["dict", *((describe(k), describe(v))
                                for k, v in obj.items())]
        elif isinstance(obj, become_graph.Plain):
            result = ["plain", describe(obj.a), describe(obj.b)]
        else:
            result = obj
        memo[id(obj)] = result
        return result

    return [describe(obj) for obj in kept]


@pytest.mark.parametrize("seed", range(12))
def test_random_graphs(seed):
    rng = random.Random(seed)
    old = [obj for i in range(3) for obj in made(f"old{i}")]
    new = [obj for i in range(3) for obj in made(f"new{i}")]
    kept = random_graph(rng, old, 60)
    old_names = {id(obj): f"#{i}" for i, obj in enumerate(old)}
    new_names = {id(obj): f"#{i}" for i, obj in enumerate(new)}
    shown = described(kept, old_names)
    pairs = list(zip(old, new))
    become(pairs, REPLAY)
    assert described(kept, old_names) == shown
    become(pairs, COMMIT if seed % 2 else NO_LOG)
    assert described(kept, new_names) == shown
    # The lists above are holders too: `old` holds the new ones by now.
    gone = [weakref.ref(pair[0]) for pair in pairs]
    del old, pairs, rng
    gc.collect()
    assert [ref() for ref in gone] == [None] * len(gone)


@pytest.mark.parametrize("lever", ["fail_step", "fail_alloc"])
def test_a_failure_anywhere_leaves_everything_as_it_was(lever):
    """One write after the other fails, until none does."""
    (F, C), (old_F, old_C) = made("new"), made("old")
    graph = become_graph.build(old_F, old_C)
    pairs = [(old_F, F), (old_C, C)]
    holders = holders_of(pairs)
    failing, failures = 1, 0
    while failing < 5000:
        t.lever(lever, failing)
        try:
            t.become(pairs, holders, True, COMMIT)
            break
        except (RuntimeError, MemoryError):
            failures += 1
        finally:
            t.lever(lever, 0)
        assert become_graph.wrong(graph, old_F, old_C, once=False) == []
        failing += 1 + failing // 8
    assert failures > 5
    assert become_graph.wrong(graph, F, C) == []
