"""Who runs old code."""

import asyncio
import sys
import threading
import time
import types

import pytest

from midflight import _testengine as t

t.heap_probe()


def waiting(event, ready, depth=0):
    if depth:
        return waiting(event, ready, depth - 1)
    ready.set()
    event.wait(20)


def line_of(function, text):
    with open(function.__code__.co_filename, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            if number > function.__code__.co_firstlineno and text in line:
                return number


@pytest.fixture
def thread():
    event, ready = threading.Event(), threading.Event()
    thread = threading.Thread(target=waiting, args=(event, ready, 3), daemon=True)
    thread.start()
    assert ready.wait(20)
    time.sleep(0.01)
    yield thread
    event.set()
    thread.join(20)


def test_nothing_is_asked():
    assert t.frames_stragglers(()) == []


def test_code_that_does_not_run():
    assert t.frames_stragglers((line_of.__code__,)) == []


def test_own_frame():
    code = test_own_frame.__code__
    ((found, line, kind, ident, frames),) = t.frames_stragglers((code,))
    assert found is code and kind == "frame" and frames == 1
    assert ident == threading.get_ident()
    assert line == code.co_firstlineno + 2


def test_recursion_is_one_entry():
    def down(n):
        if n:
            return down(n - 1)
        return t.frames_stragglers((down.__code__,))

    ((_, _, _, _, frames),) = down(7)
    assert frames == 8


def test_other_thread(thread):
    ((code, line, kind, ident, frames),) = t.frames_stragglers((waiting.__code__,))
    assert (kind, ident, frames) == ("frame", thread.ident, 4)
    assert line == line_of(waiting, "event.wait(20)")


def test_entry_for_each_thread(thread):
    event, ready = threading.Event(), threading.Event()
    other = threading.Thread(target=waiting, args=(event, ready), daemon=True)
    other.start()
    assert ready.wait(20)
    found = t.frames_stragglers((waiting.__code__,))
    assert {(ident, frames) for _, _, _, ident, frames in found} == {(thread.ident, 4), (other.ident, 1)}
    event.set()
    other.join(20)


def test_stack(thread):
    stack = t.frames_stack(thread.ident)
    own = [entry for entry in stack if entry.endswith(" in waiting")]
    assert len(own) == 4
    assert own[0] == f"{__file__}:{line_of(waiting, 'event.wait(20)')} in waiting"
    assert len(t.frames_stack(thread.ident, 2)) == 2
    assert t.frames_stack(0) == [] and t.frames_stack(1) == []


def gen():
    got = yield 1
    yield got


async def coro():
    await asyncio.sleep(0)


async def agen():
    yield 1


def kinds(*functions):
    found = t.frames_stragglers(tuple(f.__code__ for f in functions))
    return sorted((code.co_name, kind, frames, ident) for code, _, kind, ident, frames in found)


def test_suspended():
    g, c, a = gen(), coro(), agen()
    next(g)
    assert kinds(gen, coro, agen) == [
        ("agen", "async generator", 1, 0),
        ("coro", "coroutine", 1, 0),
        ("gen", "generator", 1, 0),
    ]
    c.close()
    del a


def test_suspended_line():
    one, two = gen(), gen()
    next(one)
    ((_, line, _, _, frames),) = t.frames_stragglers((gen.__code__,))
    assert frames == 2
    del two
    ((_, line, _, _, frames),) = t.frames_stragglers((gen.__code__,))
    assert (line, frames) == (gen.__code__.co_firstlineno + 1, 1)
    one.send(None)
    ((_, line, _, _, _),) = t.frames_stragglers((gen.__code__,))
    assert line == gen.__code__.co_firstlineno + 2


def test_finished_generator_is_none():
    g = gen()
    list(g)
    assert kinds(gen) == []
    h = gen()
    next(h)
    h.close()
    assert kinds(gen) == []


def test_generator_expression():
    code = compile("g = (x for x in y)", "here", "exec")
    space = {"y": [1, 2]}
    exec(code, space)
    inner = next(c for c in code.co_consts if isinstance(c, types.CodeType))
    ((found, line, kind, _, _),) = t.frames_stragglers((inner,))
    assert found is inner and line == 1 and kind == "generator"


def test_running_generator_is_a_frame():
    def run():
        yield t.frames_stragglers((run.__code__,))

    ((_, _, kind, ident, frames),) = next(run())
    assert (kind, ident, frames) == ("frame", threading.get_ident(), 1)


def test_suspended_chain():
    def outer():
        yield from gen()

    g = outer()
    next(g)
    assert [entry[:3] for entry in kinds(outer, gen)] == [("gen", "generator", 1), ("outer", "generator", 1)]


def test_counted_references():
    def lonely():
        yield

    code = lonely.__code__
    g = lonely()
    codes, known = (code,), {code: 1 << 20}
    assert t.frames_stragglers(codes, known) == []
    known[code] = sys.getrefcount(code) - 2  # without the argument's and the generator's own
    assert len(t.frames_stragglers(codes, known)) == 1
    del g


def test_asyncio_task():
    async def main():
        task = asyncio.ensure_future(coro())
        before = kinds(coro)
        await asyncio.sleep(0)
        await task
        return before, kinds(coro)

    before, after = asyncio.run(main())
    assert before == [("coro", "coroutine", 1, 0)] and after == []
