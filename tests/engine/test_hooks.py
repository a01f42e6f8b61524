"""The hooks in user code: order, errors, the update that they are given."""

import pytest

from midflight import _testengine as t
from midflight.errors import Veto


def line_of(function, text):
    with open(function.__code__.co_filename, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            if number > function.__code__.co_firstlineno and text in line:
                return number


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
