"""Which class can take whose contents while its instances stay."""

import pytest

from midflight import _testengine as t

SAME, BASES, META, LAYOUT = range(4)


class Base:
    pass


class Meta(type):
    pass


class Plain:
    pass


class Other:
    def added(self):
        pass


class Derived(Base):
    pass


class OfMeta(metaclass=Meta):
    pass


class NoSlots:
    __slots__ = ()


class A:
    __slots__ = ("a",)


class AlsoA:
    __slots__ = ("a",)


class B:
    __slots__ = ("b",)


class AB:
    __slots__ = ("a", "b")


class ThenB(A):
    __slots__ = ("b",)


class ADict:
    __slots__ = ("a", "__dict__")


class AWeak:
    __slots__ = ("a", "__weakref__")


class OnInt(int):
    pass


class OnStr(str):
    pass


class OnList(list):
    pass


class OnException(Exception):
    pass


class OnValueError(ValueError):
    pass


class OnOSError(OSError):
    pass


@pytest.mark.parametrize("old, new, expected", [
    (Plain, Other, SAME), (A, AlsoA, SAME), (OnInt, OnInt, SAME),
    (Plain, Derived, BASES), (AB, ThenB, BASES),
    (OnException, OnValueError, BASES),
    (Plain, OfMeta, META),
])
def test_instances_can_stay(old, new, expected):
    assert t.shape(old, new, []) == (expected, None)
    assert t.shape(new, old, []) == (expected, None)


@pytest.mark.parametrize("old, new, detail", [
    (A, AB, "slot 'b' added"), (AB, A, "slot 'b' removed"),
    (A, B, "slot 'b' added"), (A, ADict, "instances get a dict"),
    (ADict, A, "instances have no dict any more"),
    (A, AWeak, "instances can be weakly referenced now"),
    (NoSlots, Plain, "instances get a dict"),
    (Plain, OnInt, "built on 'int', not on 'object' any more"),
    (OnInt, OnStr, "built on 'str', not on 'int' any more"),
    (OnList, OnStr, "built on 'str', not on 'list' any more"),
    (OnException, OnOSError, None),
])
def test_instances_cannot_stay(old, new, detail):
    shape, said = t.shape(old, new, [])
    assert shape == LAYOUT and said
    assert detail in (None, said)


def test_a_base_that_is_redefined_is_the_same_base():
    class Staged:
        pass

    class Old(Base):
        pass

    class New(Staged):
        pass

    assert t.shape(Old, New, [])[0] == BASES
    assert t.shape(Old, New, [(Staged, Base)])[0] == SAME


def test_a_metaclass_that_is_redefined_is_the_same_metaclass():
    class Staged(type):
        pass

    class New(metaclass=Staged):
        pass

    assert t.shape(OfMeta, New, [])[0] == META
    assert t.shape(OfMeta, New, [(Staged, Meta)])[0] == SAME
