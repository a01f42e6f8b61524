"""Edits of classes, by hand: used by the tests of redefined classes."""

import weakref

from midflight import _testengine as t

t.heap_probe()

COMMIT, REPLAY = 0, 1


def contents(cls):
    return {name: value for name, value in cls.__dict__.items()
            if not t.class_skips(name)}


def redefine(old, new, mode=COMMIT):
    """old becomes what new is; new stays hidden from its bases."""
    t.class_hide(new)
    gone = [name for name in old.__dict__
            if name not in new.__dict__ and not t.class_skips(name)]
    bases = new.__bases__ if new.__bases__ != old.__bases__ else None
    meta = type(new) if type(new) is not type(old) else None
    t.redefine_class(old, new, contents(new), gone, bases, meta, mode)


def state(cls):
    """All of a class that a replay must bring back."""
    return (
        {k: v for k, v in cls.__dict__.items() if k != "__slotnames__"},
        cls.__mro__, cls.__bases__, cls.__base__, cls.__name__,
        cls.__qualname__, type(cls), cls.__flags__ & ~(1 << 19),
        [base.__subclasses__() for base in cls.__bases__
         if base is not object],
        [state(sub) for sub in cls.__subclasses__()],
    )


def both(old, make):
    """make() redefines old: first taken back, then for good."""
    new = make()
    t.class_hide(new)
    before = state(old)
    redefine(old, new, REPLAY)
    assert state(old) == before
    new = make()
    redefine(old, new)
    return weakref.ref(new)


class Base:
    def hello(self):
        return "base"

    def __len__(self):
        return 7
