"""The undo log: what dies when, failing steps, threads, references."""

import sys
import threading

import pytest

from midflight import _testengine as t


@pytest.fixture
def log():
    return t.undo_new()


def test_nothing_dies_before_the_drop(log):
    class Dying:
        def __del__(self):
            dead.append(True)

    dead = []
    d = {"a": Dying()}
    items = [Dying()]
    holder = (Dying(),)
    t.undo_write(log, "dict", d, "a", 1)
    t.undo_write(log, "list_exchange", items, [])
    t.undo_write(log, "tuple_word", holder, 0, None)
    kept = Dying()
    t.undo_write(log, "keep", kept)
    del kept
    assert not dead
    t.undo_drop(log)
    assert len(dead) == 4


def test_destructor_may_use_the_log(log):
    class Dying:
        def __del__(self):
            t.undo_write(log, "dict", d, "b", 1)
            t.undo_drop(log)

    d = {"a": Dying()}
    t.undo_write(log, "dict", d, "a")
    t.undo_drop(log)
    assert d == {"b": 1}


def test_failed_write_leaves_no_record(log):
    class Bad:
        def __hash__(self):
            raise KeyError("bad")

    d = {"a": 1}
    with pytest.raises(KeyError):
        t.undo_write(log, "dict", d, Bad(), 1)
    t.undo_replay(log)
    assert d == {"a": 1}


def test_every_step_and_allocation_can_fail():
    def writes(log, d, items, cls):
        t.undo_write(log, "dict", d, "a", 2)
        t.undo_write(log, "dict", d, "b")
        t.undo_write(log, "list_exchange", items, [1])
        t.undo_write(log, "type", cls, "x", 2)
        t.undo_write(log, "type", cls, "x")
        t.undo_write(log, "dict_exchange", d, {"c": 3})

    try:
        t.lever("fail_alloc", 0)
    except ValueError:
        return  # no levers in this build
    for lever in ("fail_step", "fail_alloc"):
        for n in range(1, 20):
            class C:
                x = 1

            d, items = {"a": 1, "b": 2, "z": 3}, []
            log = t.undo_new()
            t.lever(lever, n)
            try:
                writes(log, d, items, C)
            except (RuntimeError, MemoryError):
                pass
            finally:
                t.lever(lever, 0)
            t.undo_replay(log)
            assert list(d.items()) == [("a", 1), ("b", 2), ("z", 3)]
            assert items == [] and C.x == 1


def test_threads_never_see_half(log):
    stop = threading.Event()
    torn = []
    d = {"a": 0, "b": 0}

    def read():
        while not stop.is_set():
            a, b = d.copy().values()
            if a != b:
                torn.append((a, b))

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for n in range(3000):
            t.undo_write(log, "dict_exchange", d, {"a": n, "b": n})
            if n % 2:
                t.undo_replay(log)
            t.undo_drop(log)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not torn


def test_no_reference_is_lost():
    value = object()
    counts = sys.getrefcount(value), sys.getrefcount("nowhere else")
    for _ in range(10):
        log = t.undo_new()
        d = {"a": value}
        t.undo_write(log, "dict", d, "a", None)
        t.undo_write(log, "dict", d, "nowhere else", value)
        t.undo_write(log, "dict", d, "a")
        t.undo_write(log, "dict_exchange", d, {"a": value})
        t.undo_write(log, "list_exchange", [value], [value])
        t.undo_replay(log)
        t.undo_drop(log)
        del d
    assert counts == (sys.getrefcount(value), sys.getrefcount("nowhere else"))
