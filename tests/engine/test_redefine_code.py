"""Code moves to other lines in place, as a fresh compile would have it."""

import dis
import subprocess
import sys
import threading
import traceback

import pytest

from midflight import _testengine as t

t.compat_probe()

SOURCE = '''\
def f(a, b=1, *, c=2):
    """Doc."""
    def inner(x):
        return [y for y in x
                if y]
    g = lambda: (
        a +
        b)
    for i in range(3):
        try:
            inner([i])
        except ValueError as error:
            raise KeyError from error
    return g() + c
'''
CLASS = '''\
def f():
    class Inner:
        x = 1
        class Deeper:
            def method(self):
                return 1
    return Inner
'''


def compiled(source, down=0):
    code = compile("\n" * down + source, "moved.py", "exec")
    return next(c for c in code.co_consts if hasattr(c, "co_code"))


def nested(code):
    yield code
    for const in code.co_consts:
        if hasattr(const, "co_code"):
            yield from nested(const)


def shift(code, delta):
    log = t.undo_new()
    t.undo_write(log, "shift", code, delta)
    return log


@pytest.mark.parametrize("start, delta", [(0, 1), (0, 7), (0, 1000),
                                          (0, 70000), (500, -3), (500, -500)])
def test_as_a_fresh_compile(start, delta):
    code = compiled(SOURCE, start)
    assert t.code_can_shift(code)
    hash(code), code.co_lines(), code.co_consts
    hash(code.co_consts)
    shift(code, delta)
    fresh = compiled(SOURCE, start + delta)
    assert code == fresh and hash(code) == hash(fresh)
    assert hash(code.co_consts) == hash(fresh.co_consts)
    for ours, theirs in zip(nested(code), nested(fresh), strict=True):
        assert ours == theirs and hash(ours) == hash(theirs)
        assert ours.co_firstlineno == theirs.co_firstlineno
        assert list(ours.co_lines()) == list(theirs.co_lines())
        assert list(ours.co_positions()) == list(theirs.co_positions())
        assert list(dis.findlinestarts(ours)) == list(
            dis.findlinestarts(theirs))


def test_there_and_back():
    code = compiled(SOURCE)
    log = shift(code, 12)
    t.undo_write(log, "shift", code, 5)
    assert code == compiled(SOURCE, 17)
    t.undo_replay(log)
    assert code == compiled(SOURCE)


def test_never_before_the_first_line():
    code = compiled(SOURCE)
    shift(code, -5)
    assert code == compiled(SOURCE)


def test_equal_lambdas_on_one_line_move_once():
    source = "def f():\n    return [lambda: 1, lambda: 1], (lambda: 1), lambda: (lambda: 1)\n"
    code = compiled(source)
    shift(code, 10)
    assert code == compiled(source, 10)
    assert {c.co_firstlineno for c in nested(code)} == {11, 12}


@pytest.mark.parametrize("start, delta", [(0, 300), (300, 3), (300, -290)])
def test_class_bodies(start, delta):
    code = compiled(CLASS, start)
    space = {}
    if not t.code_can_shift(code):
        assert sys.version_info >= (3, 13)
        return
    shift(code, delta)
    fresh = compiled(CLASS, start + delta)
    assert code == fresh
    exec("def f(): pass", space)
    space["f"].__code__ = code
    inner = space["f"]()
    if sys.version_info >= (3, 13):
        assert inner.__firstlineno__ == start + delta + 2
        assert inner.Deeper.__firstlineno__ == start + delta + 4
    assert inner.Deeper().method() == 1


def test_class_body_whose_line_is_a_value_too():
    source = "def f():\n" + "\n" * 20 + "    class C:\n        x = 22\n    return C\n"
    code = compiled(source)
    if t.code_can_shift(code):
        shift(code, 3)
        space = {}
        exec("def f(): pass", space)
        space["f"].__code__ = code
        assert space["f"]().x == 22
    else:
        assert sys.version_info >= (3, 13)


def function(source=SOURCE, **space):
    exec(compile(source, "moved.py", "exec"), space)
    return space["f"]


def test_traceback_shows_the_new_lines():
    f = function("def f():\n    g()\n    return 1\n", g=lambda: 1 / 0)

    def line():
        try:
            f()
        except ZeroDivisionError as error:
            return traceback.extract_tb(error.__traceback__)[1].lineno

    assert line() == 2
    shift(f.__code__, 40)
    assert line() == 42


def test_running_frames():
    lines = []
    f = function(
        "def f():\n    look()\n    move()\n    look()\n    yield 1\n    look()\n",
        look=lambda: lines.append(sys._getframe(1).f_lineno),
        move=lambda: shift(f.__code__, 10),
    )
    gen = f()
    next(gen)
    assert gen.gi_frame.f_lineno == 15
    list(gen)
    assert lines == [2, 14, 16]


def test_trace_function_sees_the_new_lines():
    f = function("def f():\n    move()\n    x = 1\n    return x\n",
                 move=lambda: None)

    def traced():
        lines = []

        def tracer(frame, event, arg):
            if frame.f_code is f.__code__:
                lines.append((event, frame.f_lineno))
                return tracer

        sys.settrace(tracer)
        try:
            f()
        finally:
            sys.settrace(None)
        return lines

    assert [n for _, n in traced()] == [1, 2, 3, 4, 4]
    shift(f.__code__, 20)
    assert [n for _, n in traced()] == [21, 22, 23, 24, 24]
    f.__globals__["move"] = lambda: shift(f.__code__, 100)
    assert [n for _, n in traced()] == [21, 22, 123, 124, 124]


def test_specialised_code_moves():
    f = function()
    for _ in range(2000):
        f(1)
    shift(f.__code__, 9)
    assert f(1) == 4
    assert f.__code__ == compiled(SOURCE, 9)


def test_threads_run_while_it_moves():
    f = function()
    stop = threading.Event()
    wrong = []

    def hammer():
        while not stop.is_set():
            for _ in range(50):
                if f(1) != 4:
                    wrong.append(1)
            sys._getframe().f_lineno

    threads = [threading.Thread(target=hammer) for _ in range(3)]
    for thread in threads:
        thread.start()
    for n in range(2000):
        shift(f.__code__, 1)
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong and f.__code__ == compiled(SOURCE, 2000)


def test_reference_counts():
    code = compiled(CLASS if sys.version_info < (3, 14) else SOURCE, 400)
    parts = list(nested(code))
    before = [sys.getrefcount(c) for c in parts]
    for _ in range(50):
        shift(code, 1)
    assert [sys.getrefcount(c) for c in parts] == before


if sys.version_info >= (3, 12):
    mon = sys.monitoring

    @pytest.fixture
    def tool():
        mon.use_tool_id(3, "test")
        yield 3
        for event in (mon.events.LINE, mon.events.PY_START):
            mon.register_callback(3, event, None)
        mon.free_tool_id(3)

    def test_lines_of_monitoring(tool):
        f = function("def f():\n    x = 1\n    return x\n")
        lines = []
        mon.register_callback(tool, mon.events.LINE,
                              lambda code, line: lines.append(line))
        mon.set_local_events(tool, f.__code__, mon.events.LINE)
        f()
        assert lines == [2, 3]
        shift(f.__code__, 30)
        f()
        assert lines == [2, 3, 32, 33]

    def test_events_are_carried(tool):
        old = function("def f():\n    x = 1\n    return x\n")
        new = function("def f():\n    y = 2\n    x = 1\n    return x\n")
        lines = []
        mon.register_callback(tool, mon.events.LINE,
                              lambda code, line: lines.append(line))
        t.code_carry_events(old.__code__, new.__code__)
        assert mon.get_local_events(tool, new.__code__) == 0
        mon.set_local_events(tool, old.__code__, mon.events.LINE)
        t.code_carry_events(old.__code__, new.__code__)
        assert mon.get_local_events(tool, new.__code__) == mon.events.LINE
        new()
        assert lines == [2, 3, 4]
        mon.set_local_events(tool, old.__code__, 0)
        mon.set_local_events(tool, new.__code__, 0)


def test_carrying_nothing():
    code = compiled(SOURCE)
    t.code_carry_events(code, code)
    t.code_carry_events(code, compiled(CLASS))


def test_optimised_and_stripped():
    """Without docstrings and asserts, and with code that has no lines."""
    program = (
        "from midflight import _testengine as t\n"
        "code = compile('def f():\\n \"d\"\\n return 1', 'x', 'exec').co_consts[0]\n"
        "log = t.undo_new()\n"
        "t.undo_write(log, 'shift', code, 5)\n"
        "assert code.co_firstlineno == 6\n"
    )
    subprocess.run([sys.executable, "-OO", "-c", program], check=True,
                   timeout=60)
    subprocess.run([sys.executable, "-X", "no_debug_ranges", "-c", program],
                   check=True, timeout=60)
