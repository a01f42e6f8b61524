"""Functions like another one, with other code."""

import sys

import pytest

from midflight import _testengine as t

t.compat_probe()

@pytest.fixture
def log():
    return t.undo_new()


def make(source, name="f", **space):
    space.setdefault("__name__", "made")
    exec(source, space)
    return space[name]


def redefine(log, old, new):
    t.undo_write(log, "function", old, new)


FIELDS = ("__code__", "__closure__", "__globals__", "__builtins__",
          "__defaults__", "__kwdefaults__", "__name__", "__qualname__",
          "__doc__", "__dict__", "__module__", "__annotations__",
          "__type_params__")


def fields(func):
    return {name: getattr(func, name, None) for name in FIELDS}


def module_level():
    return 1


def test_variant_takes_all_but_code():
    func = make("def f(a: int, b=1, *, c=2): 'doc'\nf.x = [1]")
    code = make("def f(a, b, *, c, d=1): 'other'\nx = f.__code__", "x")
    was = fields(func)  # makes the lazy ones
    made = t.function_variant(func, code)
    new = fields(made)
    assert made.__code__ is code and made.__doc__ == "other"
    for name in ("__globals__", "__builtins__", "__defaults__",
                 "__kwdefaults__", "__dict__", "__annotations__"):
        assert new[name] is was[name], name
    assert made(1, d=3) is None


def test_variant_keeps_texts_that_were_set():
    func = make("def f(): 'doc'")
    func.__name__, func.__qualname__, func.__doc__ = "n", "q", "set"
    made = t.function_variant(func, make("def g(): 'other'", "g").__code__)
    assert (made.__name__, made.__qualname__, made.__doc__) == ("n", "q", "set")
    func = make("def f(): pass")
    made = t.function_variant(func, make("def g(): 'other'", "g").__code__)
    assert (made.__name__, made.__qualname__, made.__doc__) == (
        "g", "g", "other")
    func = make("def f(): 'doc'")
    made = t.function_variant(func, make("def g(): return 1", "g").__code__)
    assert made.__doc__ is None


def test_variant_checks_the_closure():
    def outer():
        a, b = 1, 2

        def f():
            return a, b

        return f

    f = outer()
    made = t.function_variant(f, f.__code__, f.__closure__)
    assert made() == (1, 2)
    for wrong in (None, (), f.__closure__[:1], (1, 2), [f.__closure__]):
        with pytest.raises(ValueError):
            t.function_variant(f, f.__code__, wrong)
    with pytest.raises(ValueError):
        t.function_variant(f, module_level.__code__, f.__closure__)
    assert t.function_variant(f, module_level.__code__)() == 1
    assert t.function_variant(f, module_level.__code__, ())() == 1


def test_variant_is_fast(log):
    """It has a version, so calls of it are specialised (3.13 mints none)."""
    func = make("def f(a): return a")
    made = t.function_variant(func, make("def f(a): return a, a").__code__)
    version, of_code = t.function_versions(made)
    if sys.version_info >= (3, 12):
        assert version == of_code != 0
    func.__defaults__ = (1,)
    made = t.function_variant(func, make("def f(a): return a, a").__code__)
    assert t.function_versions(made)[0] in (0, 1)
    redefine(log, func, made)
    assert func() == (1, 1)


def test_variant_reference_counts():
    func = make("def f(a=[]): 'x'")
    code = make("def f(b=0): 'y'").__code__
    objs = [func, code, func.__defaults__, func.__globals__]
    before = [sys.getrefcount(obj) for obj in objs]
    for _ in range(10):
        t.function_variant(func, code)
    assert [sys.getrefcount(obj) for obj in objs] == before
