"""Who runs old code, and the hooks in user code."""

import asyncio
import sys
import threading
import time
import types

import pytest

from midflight import _testengine as t
from midflight.errors import Veto

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


# --- hooks ---


class Log(list):
    def hook(self, name, error=None):
        def run(update):
            self.append((name, update.outcome))
            if error is not None:
                raise error

        return run


def module(log, name, before_error=None, after_error=None):
    return name, {
        "__before_update__": log.hook("before " + name, before_error),
        "__after_update__": log.hook("after " + name, after_error),
    }


def entries(hooks, key):
    return [(e["code"], e["module"], e["name"], e["text"]) for e in t.hooks_state(hooks)[0][key]]


def test_update_object():
    hooks = t.hooks_new(7, ["a", "b"])
    update = t.hooks_state(hooks)[1]
    assert (update.number, update.modules, update.data) == (7, ("a", "b"), {})
    assert (update.outcome, update.old) == ("pending", None)
    assert "7" in repr(update) and type(update).__module__ == "midflight._engine"
    with pytest.raises(AttributeError):
        update.number = 8
    with pytest.raises(TypeError):
        type(update)()
    assert type(t.hooks_state(t.hooks_new(1, ()))[1]) is type(update)


def test_order_and_outcome():
    log = Log()
    modules = [module(log, "top"), module(log, "base")]
    hooks = t.hooks_new(1, ["top", "base"])
    t.hooks_run(hooks, "before", modules, None)
    assert t.hooks_run(hooks, "after", modules, None) == 0
    assert log == [
        ("before top", "pending"),
        ("before base", "pending"),
        ("after base", "committed"),
        ("after top", "committed"),
    ]


def test_data_is_shared():
    def before(update):
        update.data["n"] = 42

    def after(update):
        seen.append(update.data["n"])

    seen = []
    hooks = t.hooks_new(1, ["m"])
    t.hooks_run(hooks, "before", [("m", {"__before_update__": before})], None)
    t.hooks_run(hooks, "after", [("m", {"__after_update__": after})], None)
    assert seen == [42]


def test_no_hooks():
    hooks = t.hooks_new(1, ["m"])
    modules = [("m", {"__before_update__": None, "x": 1})]
    t.hooks_run(hooks, "before", modules, [int, type("C", (), {})])
    t.hooks_run(hooks, "after", modules, [])
    report = t.hooks_state(hooks)[0]
    assert report["notes"] == report["reasons"] == []


def test_veto_and_rejection():
    log = Log()
    modules = [module(log, "top"), module(log, "base", Veto("busy")), module(log, "leaf")]
    hooks = t.hooks_new(1, ["top", "base", "leaf"])
    t.hooks_run(hooks, "before", modules, None)
    assert entries(hooks, "reasons") == [("MF411", "base", "__before_update__", "Veto: busy")]
    t.hooks_run(hooks, "rejected", None, None)
    assert log == [("before top", "pending"), ("before base", "pending"), ("after top", "rejected")]


def test_before_fails():
    log = Log()
    hooks = t.hooks_new(1, ["m"])
    t.hooks_run(hooks, "before", [module(log, "m", ZeroDivisionError("no"))], None)
    (entry,) = t.hooks_state(hooks)[0]["reasons"]
    assert (entry["code"], entry["text"]) == ("MF412", "ZeroDivisionError: no")
    assert entry["file"] == __file__ and entry["line"] == line_of(Log.hook, "raise error")


def test_system_exit_is_a_failure():
    log = Log()
    hooks = t.hooks_new(1, ["m"])
    t.hooks_run(hooks, "before", [module(log, "m", SystemExit(3))], None)
    report, _, interrupted = t.hooks_state(hooks)
    assert report["reasons"][0]["code"] == "MF412" and not interrupted


def test_interrupt_is_told():
    log = Log()
    hooks = t.hooks_new(1, ["m"])
    t.hooks_run(hooks, "before", [module(log, "m", KeyboardInterrupt())], None)
    report, _, interrupted = t.hooks_state(hooks)
    assert report["reasons"][0]["code"] == "MF412" and interrupted


def test_after_fails_and_others_run():
    log = Log()
    modules = [module(log, "top"), module(log, "base", None, KeyError("after"))]
    hooks = t.hooks_new(1, ["top", "base"])
    assert t.hooks_run(hooks, "after", modules, None) == 1
    assert [name for name, _ in log] == ["after base", "after top"]
    assert entries(hooks, "notes") == [("MF303", "base", "__after_update__", "KeyError: 'after'")]
    assert entries(hooks, "reasons") == []


def test_coroutine_function_is_refused():
    async def before(update):
        pass

    hooks = t.hooks_new(1, ["m"])
    t.hooks_run(hooks, "before", [("m", {"__before_update__": before})], None)
    ((code, _, _, text),) = entries(hooks, "reasons")
    assert code == "MF412" and "coroutine" in text


class Meta(type):
    def __getattr__(cls, name):
        raise AssertionError("looked up through the metaclass")


class Quiet(metaclass=Meta):
    pass


class Pool:
    calls = []

    @classmethod
    def __before_update__(cls, update):
        Pool.calls.append(("before", cls.__name__))

    @staticmethod
    def __after_update__(update):
        Pool.calls.append(("after", None))


class SubPool(Pool):
    pass


def test_hooks_of_classes():
    del Pool.calls[:]
    log = Log()
    modules = [module(log, "other"), module(log, __name__)]
    hooks = t.hooks_new(1, ["other", __name__])
    t.hooks_run(hooks, "before", modules, [Quiet, Pool, SubPool])
    t.hooks_run(hooks, "after", modules, [Quiet, Pool, SubPool])
    assert Pool.calls == [("before", "Pool"), ("before", "SubPool"), ("after", None)]
    assert entries(hooks, "reasons") == entries(hooks, "notes") == []


def test_class_comes_with_its_module():
    log = Log()

    def cls(name, where):
        run = log.hook(name)
        return type(name, (), {"__module__": where, "__before_update__": staticmethod(run), "__after_update__": staticmethod(run)})

    modules = [module(log, "top"), module(log, "base")]
    classes = [cls("B", "base"), cls("N", "none"), cls("T", "top")]
    hooks = t.hooks_new(1, ["top", "base"])
    t.hooks_run(hooks, "before", modules, classes)
    assert [name for name, _ in log] == ["before top", "T", "before base", "B", "N"]
    del log[:]
    t.hooks_run(hooks, "after", modules, classes)
    assert [name for name, _ in log] == ["N", "B", "after base", "T", "after top"]


def test_failing_hook_of_class_has_its_name():
    class Bad:
        @classmethod
        def __before_update__(cls, update):
            raise Veto("never")

    hooks = t.hooks_new(1, [])
    t.hooks_run(hooks, "before", None, [Bad])
    ((code, where, name, _),) = entries(hooks, "reasons")
    assert (code, where) == ("MF411", __name__)
    assert name.endswith("Bad.__before_update__")


def test_migrate():
    class User:
        def __migrate__(self, update):
            if update.old.name == "bad":
                raise ValueError("bad name")
            self.first, self.last = update.old.name.split()

    def user(name):
        made = User()
        made.name = name
        return made

    hooks = t.hooks_new(1, [])
    old, copy = user("Ann Lee"), User()
    assert t.hooks_migrate(hooks, User, copy, old) == (1, 0)
    assert vars(copy) == {"first": "Ann", "last": "Lee"}
    assert t.hooks_migrate(hooks, User, User(), user("bad")) == (1, 1)
    report, update, _ = t.hooks_state(hooks)
    assert report["reasons"][0]["code"] == "MF413" and update.old is None
    assert t.hooks_migrate(hooks, Quiet, Quiet(), Quiet()) == (0, 0)
