"""Abstract methods and what the standard library remembers of classes."""

import abc
import collections.abc
import functools
import typing

import pytest

from class_edits import REPLAY, Base, both, redefine
from midflight import _testengine as t


def test_abstract_methods_of_subclasses():
    class Live(abc.ABC):
        @abc.abstractmethod
        def f(self):
            pass

    class Concrete(Live):
        def f(self):
            return 1

    class Below(Concrete):
        pass

    Live.register(int)

    def make():
        class Live(abc.ABC):
            @abc.abstractmethod
            def f(self):
                pass

            @property
            @abc.abstractmethod
            def g(self):
                pass

            @classmethod
            @abc.abstractmethod
            def h(cls):
                pass

        return Live

    redefine(Live, make(), REPLAY)
    Concrete(), Below()
    both(Live, make)
    assert Live.__abstractmethods__ == {"f", "g", "h"}
    assert Below.__abstractmethods__ == {"g", "h"}
    for cls in Live, Concrete, Below:
        with pytest.raises(TypeError):
            cls()
    assert isinstance(3, Live)
    both(Live, lambda: abc.ABCMeta("Live", (abc.ABC,), {}))
    Live(), Concrete(), Below()


def test_cached_answers_are_forgotten():
    class Live:
        pass

    class Sub(Live):
        pass

    @functools.singledispatch
    def what(obj):
        return "object"

    what.register(Base, lambda obj: "base")

    def answers():
        return (isinstance(Live(), collections.abc.Sized),
                issubclass(Sub, collections.abc.Iterable), what(Sub()))

    assert answers() == (False, False, "object")
    redefine(Live, type("Live", (Base,), {"__iter__": lambda self: None}))
    assert answers() == (True, True, "base")
    redefine(Live, type("Live", (), {}))
    assert answers() == (False, False, "object")


def test_members_of_a_protocol():
    @typing.runtime_checkable
    class Live(typing.Protocol):
        def f(self):
            pass

    class HasF:
        def f(self):
            pass

    assert isinstance(HasF(), Live)
    t.redefine_class(Live, None, {"g": lambda self: 0}, [], None, None, 0)
    assert not isinstance(HasF(), Live)
    t.redefine_class(Live, None, {}, ["g"], None, None, 0)
    assert isinstance(HasF(), Live)


def test_a_class_becomes_abstract():
    class Live:
        def f(self):
            pass

    def make():
        class Live(abc.ABC):
            @abc.abstractmethod
            def f(self):
                pass

        return Live

    both(Live, make)
    with pytest.raises(TypeError):
        Live()
    Live.register(int)
    assert isinstance(1, Live)
    both(Live, lambda: type("Live", (), {"f": lambda self: 1}))
    assert Live().f() == 1


def test_patterns_see_a_sequence():
    class Live:
        def __len__(self):
            return 2

        def __getitem__(self, i):
            return [10, 20][i]

    class Sub(Live):
        pass

    def is_sequence(obj):
        match obj:
            case [_, _]:
                return True
        return False

    def make():
        return abc.ABCMeta("Live", (collections.abc.Sequence,), {
            "__len__": lambda self: 2,
            "__getitem__": lambda self, i: [10, 20][i]})

    assert not is_sequence(Live())
    redefine(Live, make(), REPLAY)
    assert not is_sequence(Sub())
    both(Live, make)
    assert is_sequence(Live()) and is_sequence(Sub())
