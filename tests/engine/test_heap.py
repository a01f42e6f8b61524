"""The collector's lists: walks, marks, questions."""

import gc
import subprocess
import sys
import threading

import pytest

from midflight import _testengine as t

t.heap_probe()


class Plain:
    pass


class Derived(Plain):
    pass


def alive(obj):
    return any(found is obj for found in t.heap_walk(type(obj)))


def test_probe_can_be_repeated():
    t.heap_probe()
    t.heap_probe()


def test_probe_follows_thresholds():
    old = gc.get_threshold()
    try:
        gc.set_threshold(123, 45, 6)
        t.heap_probe()
    finally:
        gc.set_threshold(*old)


@pytest.mark.parametrize("rounds", range(4))
def test_walk_sees_every_generation(rounds):
    obj = Plain()
    for generation in range(rounds):
        gc.collect(min(generation, 2))
        assert alive(obj)
    assert alive(obj)


def test_walk_sees_frozen():
    code = (
        "import gc\n"
        "from midflight import _testengine as t\n"
        "t.heap_probe()\n"
        "class C: pass\n"
        "obj = C()\n"
        "gc.freeze()\n"
        "assert gc.get_freeze_count()\n"
        "assert [o for o in t.heap_walk(C) if o is obj]\n"
        "t.heap_probe()\n"
        "new = C()\n"
        "assert len(t.heap_walk(C)) == 2\n"
        "gc.unfreeze()\n"
        "assert len(t.heap_walk(C)) == 2\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_walk_sees_what_the_collector_tells():
    gc.collect()
    gc.disable()
    try:
        told = {id(o) for o in gc.get_objects()}
        seen = {id(o) for o in t.heap_walk(None)}
    finally:
        gc.enable()
    assert len(told - seen) < 20  # lists and sets of this test itself


def test_walk_sees_each_object_once():
    obj = Plain()
    assert sum(found is obj for found in t.heap_walk(Plain)) == 1


def test_walk_stops():
    assert t.heap_stop() == (1, 3)


def test_walk_leaves_the_collector_as_it_was():
    assert gc.isenabled()
    t.heap_count()
    assert gc.isenabled()
    gc.disable()
    try:
        t.heap_count()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_functions_of():
    def make():
        def inner():
            return 1

        return inner

    functions = [make() for _ in range(5)]
    found = t.heap_functions_of((functions[0].__code__,))
    assert {id(f) for f in found} == {id(f) for f in functions}
    assert t.heap_functions_of(()) == []


def test_instances_of():
    objs = [Plain(), Derived(), Plain()]
    exact = t.heap_instances_of(Plain, False)
    every = t.heap_instances_of(Plain, True)
    assert {id(o) for o in exact} == {id(objs[0]), id(objs[2])}
    assert {id(o) for o in every} == {id(o) for o in objs}
    assert t.heap_instances_of(Derived, False) == [objs[1]]


def test_mark_holds_the_collector():
    mark = t.mark_new()
    assert not gc.isenabled()
    t.mark_clear(mark)
    assert gc.isenabled()
    t.mark_clear(mark)


def test_mark_nests():
    outer = t.mark_new()
    inner = t.mark_new()
    t.mark_clear(inner)
    assert not gc.isenabled()
    t.mark_clear(outer)
    assert gc.isenabled()


def test_suffix_is_what_was_made_since():
    before = Plain()
    mark = t.mark_new()
    assert t.mark_intact(mark)
    after = [Plain() for _ in range(10)]
    found, visited = t.mark_walk(mark, Plain)
    assert t.mark_intact(mark)
    t.mark_clear(mark)
    assert {id(o) for o in found} == {id(o) for o in after}
    assert all(o is not before for o in found)
    assert visited < 1000


def test_suffix_shrinks_with_what_dies():
    mark = t.mark_new()
    dead = [Plain() for _ in range(10)]
    del dead
    found, _ = t.mark_walk(mark, Plain)
    t.mark_clear(mark)
    assert found == []


def both(mark):
    """What a walk from the mark finds and what it visits."""
    found, visited = t.mark_walk(mark, Plain)
    return {id(o) for o in found}, visited


@pytest.mark.parametrize("generation", [0, 1, 2])
def test_what_was_made_is_known_after_collections(generation):
    before = Plain()
    mark = t.mark_new()
    first = Plain()
    gc.collect(generation)
    second = [Plain() for _ in range(5)]
    gc.collect(generation)
    gc.collect()
    third = Plain()
    intact, known = t.mark_intact(mark), t.mark_known(mark)
    found, visited = both(mark)
    t.mark_clear(mark)
    assert not intact and known
    assert found == {id(o) for o in (first, *second, third)} and id(before) not in found
    assert visited < 1000


def test_what_finalizers_make_in_a_collection_is_known():
    made = []

    class Cycle:
        def __init__(self):
            self.me = self

        def __del__(self):
            made.append(Plain())

    mark = t.mark_new()
    Cycle()
    gc.collect()
    found, _ = both(mark)
    t.mark_clear(mark)
    assert found == {id(o) for o in made} and len(made) == 1


def test_a_collection_without_our_callback_is_noticed():
    mark = t.mark_new()
    theirs = gc.callbacks[:]
    gc.callbacks.clear()
    after = Plain()
    gc.collect(0)
    known = t.mark_known(mark)
    found, _ = both(mark)
    t.mark_clear(mark)
    gc.callbacks[:] = [c for c in theirs if "midflight" not in (c.__doc__ or "")]
    assert not known and id(after) in found


def test_marks_leave_no_callback():
    theirs = gc.callbacks[:]
    mark = t.mark_new()
    assert len(gc.callbacks) == len(theirs) + 1
    kept = gc.callbacks[-1]
    t.mark_clear(mark)
    assert gc.callbacks == theirs
    kept("start", {})


@pytest.mark.parametrize("steps", [
    "gc.freeze(); made.append(Plain())",
    "gc.freeze(); made.append(Plain()); gc.freeze(); made.append(Plain())",
    "gc.collect(); made.append(Plain()); gc.freeze(); made.append(Plain())",
    "gc.freeze(); made.append(Plain()); gc.collect(); made.append(Plain()); gc.freeze(); made.append(Plain())",
    "gc.freeze(); made.append(Plain()); gc.unfreeze(); made.append(Plain()); gc.collect(1); made.append(Plain())",
])
def test_what_was_made_is_known_after_a_freeze(steps):
    code = (
        "import gc\n"
        "from midflight import _testengine as t\n"
        "t.heap_probe()\n"
        "class Plain: pass\n"
        "before = [Plain() for _ in range(3)]\n"
        "gc.collect(0)\n"
        "before += [Plain() for _ in range(3)]\n"
        "gc.collect(1)\n"
        "before += [Plain() for _ in range(3)]\n"
        "gc.collect(0)\n"
        "before += [Plain() for _ in range(3)]\n"
        "mark = t.mark_new()\n"
        "made = [Plain()]\n"
        + steps + "\n"
        "assert t.mark_known(mark) and not t.mark_intact(mark)\n"
        "found, visited = t.mark_walk(mark, Plain)\n"
        "assert sorted(map(id, found)) == sorted(map(id, made)), (len(found), len(made))\n"
        "assert visited < 1000\n"
        "t.mark_clear(mark)\n"
        "gc.collect()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_no_walk_inside_a_collection():
    seen = []

    class Cycle:
        def __init__(self):
            self.me = self

        def __del__(self):
            seen.append(t.heap_busy())
            try:
                t.heap_walk(Plain)
            except RuntimeError as error:
                seen.append(str(error))
            mark = t.mark_new()
            obj = Plain()
            intact = t.mark_intact(mark)
            found, _ = t.mark_walk(mark, Plain) if intact else ([obj], 0)
            t.mark_clear(mark)
            seen.append(found == [obj])

    Cycle()
    gc.collect()
    assert seen == [True, "the garbage collector is at work", True]
    assert not t.heap_busy()


def test_no_walk_while_another_thread_collects():
    inside, go_on = threading.Event(), threading.Event()

    class Cycle:
        def __init__(self):
            self.me = self

        def __del__(self):
            inside.set()
            go_on.wait(30)

    def collect():
        Cycle()
        gc.collect()

    thread = threading.Thread(target=collect)
    thread.start()
    try:
        assert inside.wait(30)
        assert t.heap_busy()
        with pytest.raises(RuntimeError):
            t.heap_walk(Plain)
    finally:
        go_on.set()
        thread.join()
    t.heap_walk(Plain)


def test_walks_while_threads_make_objects():
    stop = threading.Event()

    def churn():
        while not stop.is_set():
            [Plain() for _ in range(100)]
            gc.collect(0)

    threads = [threading.Thread(target=churn) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        obj = Plain()
        for _ in range(50):
            try:
                assert alive(obj)
            except RuntimeError:
                continue  # a collection was under way
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_walk_keeps_reference_counts():
    obj = Plain()
    before = sys.getrefcount(obj)
    for _ in range(3):
        t.heap_walk(Plain)
        t.heap_instances_of(Plain, True)
    assert sys.getrefcount(obj) == before


def test_tables():
    for n in (0, 1, 10, 11, 1000):
        assert t.map_check(n)
    assert t.hash_bytes(b"") != t.hash_bytes(b"\0")
    texts = {bytes([a, b]) * n for a in range(16) for b in range(16)
             for n in (1, 3, 4, 9)}
    assert len({t.hash_bytes(text) for text in texts}) == len(texts)
