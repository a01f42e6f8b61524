"""Live classes take new contents, bases and metaclasses."""

import abc
import copyreg
import gc
import typing
import weakref

import pytest

from class_edits import REPLAY, Base, both, redefine, state
from midflight import _testengine as t


def test_attributes_slots_and_bases():
    class Live:
        def a(self):
            return 1

    class Sub(Live):
        pass

    live, sub = Live(), Sub()

    def make():
        class Live(Base):
            "doc"
            y: int = 3

            def a(self):
                return 2

            def b(self):
                return super().hello() + __class__.__name__

            def __call__(self):
                return "called"

            def __iter__(self):
                return iter([1])

        return Live

    new = both(Live, make)
    assert (live.a(), live.b(), sub.b()) == (2, "baseLive", "baseLive")
    assert (live(), sub(), len(live), len(sub)) == ("called", "called", 7, 7)
    assert list(sub) == [1] and Live.__doc__ == "doc" and Live.y == 3
    assert Live.__annotations__ == {"y": int}
    assert Sub.__mro__ == (Sub, Live, Base, object)
    assert Base.__subclasses__().count(Live) == 1
    assert all(cls is not Live for cls in object.__subclasses__())
    assert Live.__qualname__.endswith("make.<locals>.Live")
    gc.collect()
    assert new() is None

    def make_plain():
        class Live:
            def a(self):
                return 3

        return Live

    both(Live, make_plain)
    assert Live.__mro__ == (Live, object) and live.a() == 3
    assert Live not in Base.__subclasses__()
    assert any(cls is Live for cls in object.__subclasses__())
    with pytest.raises(TypeError):
        live()
    with pytest.raises(TypeError):
        len(sub)


def test_exceptions():
    class Live(Exception):
        pass

    both(Live, lambda: type("Live", (ValueError,), {}))
    with pytest.raises(ValueError):
        raise Live("x")
    both(Live, lambda: type("Live", (Exception,), {}))
    assert not issubclass(Live, ValueError)


def test_a_constructor_comes_and_goes():
    class Live:
        def __init__(self, *args):
            self.args = args

    class Sub(Live):
        pass

    def make():
        class Live:
            def __new__(cls, *args):
                made = object.__new__(cls)
                made.new = True
                return made

            def __init__(self, *args):
                self.args = args

        return Live

    def make_plain():
        class Live:
            def __init__(self, *args):
                self.args = args

        return Live

    redefine(Live, make(), REPLAY)
    assert Live(1).args == (1,) and Sub(1).args == (1,)
    both(Live, make)
    assert Live(1).new and Sub(2).new
    both(Live, make_plain)
    assert Live(1).args == (1,) and Sub(2).args == (2,)
    assert not hasattr(Sub(3), "new")


class Meta(type):
    @property
    def guarded(cls):
        return "of the metaclass"

    @guarded.setter
    def guarded(cls, value):
        raise AssertionError("asked")

    def __setattr__(cls, name, value):
        raise AssertionError("asked")

    def __call__(cls, *args):
        made = type.__call__(cls, *args)
        made.by_meta = True
        return made


def test_a_metaclass_comes_and_goes():
    class Live:
        pass

    both(Live, lambda: Meta("Live", (), {}))
    assert type(Live) is Meta and Live().by_meta
    t.redefine_class(Live, None, {"guarded": 5}, [], None, None, 0)
    assert Live.__dict__["guarded"] == 5 and Live().guarded == 5
    assert Live.guarded == "of the metaclass"
    both(Live, lambda: type("Live", (), {}))
    assert type(Live) is type and not hasattr(Live(), "by_meta")


def test_the_mro_of_a_metaclass_is_not_called():
    class Meta(type):
        ran = []

        def mro(cls):
            Meta.ran.append(cls)
            return type.mro(cls)

    Live = Meta("Live", (), {})
    Sub = Meta("Sub", (Live,), {})
    Other = Meta("Other", (), {"z": 1})
    new = Meta("Live", (Other,), {})
    t.class_hide(new)
    Meta.ran.clear()
    before = state(Live)
    redefine(Live, new, REPLAY)
    assert state(Live) == before
    redefine(Live, new)
    assert Meta.ran == []
    assert Sub.__mro__ == (Sub, Live, Other, object) and Sub.z == 1
    assert type(Live) is Meta and type(Sub) is Meta


def test_an_mro_that_a_subclass_cannot_have():
    class First:
        pass

    class Second:
        pass

    class Live(First):
        pass

    class Sub(Second, Live):
        pass

    before = state(Live)
    with pytest.raises(TypeError):
        t.redefine_class(Live, None, {}, [], (Sub,), None, 0)

    class Other(Live, Second):
        pass

    with pytest.raises(TypeError, match="order"):
        t.redefine_class(Second, None, {}, [], (Live,), None, 0)
    assert Live.__mro__ == (Live, First, object)
    assert before[:4] == state(Live)[:4]
    assert Second.__bases__ == (object,)


def test_a_class_is_specialised_after_thousands_of_updates():
    class Live:
        def f(self):
            return -1

    def ask(live):
        return live.f()

    live = Live()
    for i in range(2500):
        t.redefine_class(Live, None, {"f": lambda self, i=i: i}, [], None,
                         None, 0)
        assert ask(live) == i


def test_slots_stay_with_their_class():
    class Live:
        __slots__ = ("a", "b")

    class New:
        __slots__ = ("a", "b")

        def m(self):
            return self.a

    live = Live()
    live.a = 4
    copyreg._slotnames(Live)
    redefine(Live, New)
    live.b = 3
    assert (live.m(), live.b) == (4, 3) and "__slotnames__" not in vars(Live)


def test_annotations_are_asked_again():
    class Live:
        a: int

    assert Live.__annotations__ == {"a": int}

    def make():
        class Live:
            b: str

        return Live

    both(Live, make)
    assert Live.__annotations__ == {"b": str}
    assert typing.get_type_hints(Live) == {"b": str}


def test_scopes_of_annotations_look_into_the_live_class():
    class Live:
        pass

    def make():
        __classdict__ = {"staged": True}

        def f(self):
            return __classdict__

        # The compiler gives this name to the cell with a class' namespace.
        return type("Live", (), {"f": f, "g": property(f)})

    both(Live, make)
    assert Live().f()["g"] is Live.__dict__["g"]
    assert Live().g is Live().f()


def test_hidden_and_shown():
    for base in Base, object:
        made = type("Made", (base,), {})
        t.class_hide(made)
        assert all(cls is not made for cls in base.__subclasses__())
        t.class_show(made)
        shown = [cls for cls in base.__subclasses__() if cls is made]
        assert len(shown) == 1
        ref = weakref.ref(made)
        t.class_hide(made)
        assert all(cls is not made for cls in base.__subclasses__())
        assert ref() is made


@pytest.mark.parametrize("lever", ["fail_step", "fail_alloc"])
def test_a_failure_anywhere_leaves_everything_as_it_was(lever):
    """One write after the other fails, until none does."""
    class Live:
        def f(self):
            return 1

        def __len__(self):
            return 1

        def __new__(cls, *args):
            return object.__new__(cls)

    class Sub(Live):
        pass

    class New(Base, abc.ABC):
        @abc.abstractmethod
        def f(self):
            return __class__

        def __call__(self):
            return 2

        x: int = 1

    t.class_hide(New)
    before = state(Live)
    failures = 0
    while failures < 200:
        t.lever(lever, failures + 1)
        try:
            redefine(Live, New)
            break
        except (RuntimeError, MemoryError):
            failures += 1
        finally:
            t.lever(lever, 0)
        assert state(Live) == before
        assert len(Live(1)) == 1 and Sub(2).f() == 1
    assert failures > 0
    assert Sub.__abstractmethods__ == {"f"} and Sub.__mro__[2] is Base
