"""Call sites that have cached a function look again when it is redefined."""

import types

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


@pytest.mark.parametrize("calls", [0, 5, 3000])
def test_specialised_calls(log, calls):
    """Call sites that have cached the old function look again."""
    kinds = [
        "def f(a, b): return 'x', a, b",
        "def f(a, b=7): return 'd', a, b",
        "def f(a, *b): return 'v', a, b",
        "def f(a, b=1, *, k=9): return 'k', a, b, k",
        "def f(a, b, **c): return 'w', a, b, c",
        "def f(*, a=1, b=2): return 'n', a, b",
        "def f(a, b):\n    yield a\n    yield b",
    ]
    for first in kinds:
        for second in kinds:
            old, new = make(first), make(second)
            reference = make(second)

            def call(f):
                try:
                    r = f(1, 2)
                    return list(r) if isinstance(r, types.GeneratorType) else r
                except TypeError as error:
                    return str(error)

            for _ in range(calls):
                call(old)
            redefine(log, old, new)
            want = call(reference)
            for _ in range(min(calls, 100) + 2):
                assert call(old) == want
            t.undo_replay(log)
            t.undo_drop(log)


@pytest.mark.parametrize("calls", [5, 3000])
def test_specialised_init(log, calls):
    kinds = [
        "def __init__(self, a): self.v = 'x', a",
        "def __init__(self, a, *, k=3): self.v = 'k', a, k",
        "def __init__(self, a, *rest): self.v = 'r', a, rest",
        "def __init__(self, a, **rest): self.v = 'w', a, rest",
        "def __init__(self, a, b=4): self.v = 'd', a, b",
        "def __init__(self, *a): self.v = 'a', a",
        "def __init__(self, a):\n    f = lambda: a\n    self.v = 'c', f()",
    ]
    for first in kinds:
        for second in kinds:
            class Base:
                pass

            class C(Base):
                __init__ = make(first, "__init__")

            new = make(second, "__init__")
            want = types.SimpleNamespace()
            new(want, 1)

            def build():
                return C(1).v

            for _ in range(calls):
                build()
            redefine(log, C.__init__, new)
            for _ in range(50):
                assert build() == want.v
            t.undo_replay(log)
            for _ in range(50):
                assert build()[0] == first.split("'")[1]
            t.undo_drop(log)


def test_specialised_dunders(log):
    class C:
        def __getitem__(self, i):
            return "old", i

        @property
        def p(self):
            return "old"

        def __getattr__(self, name):
            return "old", name

    class N:
        def __getitem__(self, i, more=1):
            return "new", i, more

        def p(self, more=2):
            return "new", more

        def __getattr__(self, name, *rest):
            return "new", name, rest

    def use(obj):
        return obj[1], obj.p, obj.missing

    obj = C()
    for _ in range(3000):
        use(obj)
    redefine(log, C.__getitem__, N.__getitem__)
    redefine(log, C.p.fget, N.p)
    redefine(log, C.__getattr__, N.__getattr__)
    for _ in range(100):
        assert use(obj) == (("new", 1, 1), ("new", 2), ("new", "missing", ()))
    t.undo_replay(log)
    for _ in range(100):
        assert use(obj) == (("old", 1), "old", ("old", "missing"))
