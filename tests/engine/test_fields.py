"""What live instances of an edited class get."""

import dataclasses
import gc
import textwrap

import pytest

from midflight import _testengine as t

t.heap_probe()


def make(source, **names):
    """The __init__ with this body; the parameters stand in its first line if it begins with a bracket."""
    body = textwrap.dedent(source).strip("\n")
    head = "(self)"
    if body.startswith("("):
        head, _, body = body.partition("\n")
    space = dict(names)
    exec(f"def __init__{head}:\n" + textwrap.indent(body, "    "), space)
    return space["__init__"]


def fill(old, new, target, old_class=None, old_fields=None, new_fields=None):
    return t.fields_fill(
        old_class, old and old.__code__, new and new.__code__, new, old_fields, new_fields, target
    )


def values(written):
    return sorted(((id(obj), name, value) for obj, name, value in written), key=lambda item: item[:2])


def test_only_what_is_new():
    old = make("(self, y)\nself.a = 1\nif y:\n    self.b = 1")
    new = make("(self, y)\nself.a = 2\nself.b = 2\nself.c = 3\nself.d = y\nself.e = y()")
    found, unset, _ = fill(old, new, None)
    assert found == [("c", "value", 3)] and unset == ["d", "e"]
    found, unset, _ = fill(None, new, None)
    assert [f[0] for f in found] == ["a", "b", "c"] and unset == ["d", "e"]
    assert fill(old, None, None) == ([], [], [])


class Shop:
    pass


class SubShop(Shop):
    pass


def test_fill_instances():
    one, two, three = Shop(), Shop(), SubShop()
    two.items = mine = ["mine"]
    new = make("(self, c='EUR')\nself.items = []\nself.c = c\nself.rates = {'a': [1]}")
    _, _, written = fill(None, new, Shop)
    got = {(id(obj), name): value for obj, name, value in written}
    assert len(got) == len(written) == 8
    assert (id(two), "items") not in got and two.items is mine
    assert got[id(one), "items"] == [] is not got[id(three), "items"]
    rates = [got[id(obj), "rates"] for obj in (one, two, three)]
    assert rates == [{"a": [1]}] * 3
    assert len({id(r) for r in rates} | {id(r["a"]) for r in rates}) == 6
    assert got[id(two), "c"] == "EUR"
    assert vars(one) == {}


def test_fill_nothing():
    one = Shop()
    assert fill(None, make("(self, y)\nself.x = y"), Shop) == ([], ["x"], [])
    assert fill(None, None, Shop) == ([], [], [])
    del one


def test_looking_makes_no_dict():
    obj = Shop()
    obj.here = 1
    size = obj.__sizeof__()
    _, _, written = fill(None, make("self.here = 0\nself.there = 0"), obj)
    assert [(name, value) for _, name, value in written] == [("there", 0)]
    assert obj.__sizeof__() == size


@pytest.mark.parametrize("through", [vars, lambda obj: None])
def test_deleted_attribute_is_missing(through):
    obj = Shop()
    obj.a, obj.b = 1, 2
    through(obj)
    del obj.a
    _, _, written = fill(None, make("self.a = 0\nself.b = 0"), obj)
    assert [name for _, name, _ in written] == ["a"]


def test_many_attributes_in_the_instance():
    obj = Shop()
    for i in range(200):
        setattr(obj, f"a{i}", i)
    _, _, written = fill(None, make("\n".join(f"self.a{i} = 0" for i in range(210))), obj)
    assert [name for _, name, _ in written] == [f"a{i}" for i in range(200, 210)]


class Slotted:
    __slots__ = ("a", "b")


class Mixed(Slotted):
    pass


def test_slots():
    obj = Slotted()
    obj.a = 1
    new = make("self.a = 0\nself.b = 0\nself.c = 0")
    assert [name for _, name, _ in fill(None, new, obj)[2]] == ["b"]
    assert [name for _, name, _ in fill(None, new, Mixed())[2]] == ["a", "b", "c"]


def test_property_is_left_alone():
    class C:
        plain = 0

        @property
        def x(self):
            raise AssertionError

        @x.setter
        def x(self, value):
            raise AssertionError

    _, _, written = fill(None, make("self.x = 1\nself.plain = 1\nself.y = 1"), C())
    assert [name for _, name, _ in written] == ["plain", "y"]


def test_nothing_of_the_program_runs():
    class Meta(type):
        def __getattribute__(cls, name):
            raise AssertionError

    class C(metaclass=Meta):
        def __getattr__(self, name):
            raise AssertionError

        def __getattribute__(self, name):
            raise AssertionError

        def __setattr__(self, name, value):
            raise AssertionError

        def __eq__(self, other):
            raise AssertionError

        __hash__ = None

    obj = C()
    assert len(fill(None, make("self.x = 1"), obj)[2]) == 1
    assert [o is obj for o, _, _ in fill(None, make("self.x = 1"), C)[2]] == [True]


def test_subclass_of_dict_and_list():
    class D(dict):
        pass

    class L(list):
        pass

    for obj in D(), L(), D(x=1):
        assert [name for _, name, _ in fill(None, make("self.x = 1"), obj)[2]] == ["x"]
        obj.x = 2
        assert fill(None, make("self.x = 1"), obj)[2] == []


# --- dataclasses ---


def dataclass_sides(old_fields, new_fields, **options):
    old = dataclasses.make_dataclass("Item", old_fields, **options)
    new = dataclasses.make_dataclass("Item", new_fields, **options)
    return old, new


def dataclass_fill(old, new, target, new_function=None):
    function = new_function or new.__init__
    return t.fields_fill(
        old,
        old.__init__.__code__,
        function.__code__,
        function,
        old.__dataclass_fields__,
        new.__dataclass_fields__,
        target,
    )


def test_dataclass():
    calls = []

    def factory():
        calls.append(1)
        return ["made"]

    field = dataclasses.field
    old, new = dataclass_sides(
        [("name", str)],
        [
            ("name", str, field()),
            ("needed", int, field()),
            ("price", float, field(default=1.5)),
            ("tags", list, field(default_factory=factory)),
            ("late", int, field(init=False)),
            ("zero", int, field(init=False, default=0)),
            ("only", dataclasses.InitVar[int], 3),
        ],
    )
    a, b = old("a"), old("b")
    found, unset, written = dataclass_fill(old, new, old)
    assert [(name, how) for name, how, _ in found] == [("price", "default"), ("tags", "factory"), ("zero", "default")]
    assert unset == ["needed", "late"]
    got = {(id(obj), name): value for obj, name, value in written}
    assert got[id(a), "price"] == 1.5 and got[id(b), "zero"] == 0
    assert got[id(a), "tags"] == ["made"] and got[id(a), "tags"] is not got[id(b), "tags"]
    assert len(calls) == 2 and len(got) == 6


def test_dataclass_frozen():
    old, new = dataclass_sides([("name", str)], [("name", str), ("x", int, dataclasses.field(default=1))], frozen=True)
    a = old("a")
    assert [(obj is a, name, value) for obj, name, value in dataclass_fill(old, new, old)[2]] == [(True, "x", 1)]


def test_dataclass_with_its_own_init():
    old, new = dataclass_sides([("name", str)], [("name", str), ("x", int, dataclasses.field(default=1))])
    found, unset, _ = dataclass_fill(old, new, None, make("self.x = 5\nself.more = []"))
    assert found == [("x", "default", 1), ("more", "copy", [])] and unset == []


def test_class_becomes_a_dataclass():
    new = dataclasses.make_dataclass("C", [("x", int, dataclasses.field(default=1))])
    found, unset, _ = t.fields_fill(None, make("self.x = 5").__code__, new.__init__.__code__, new.__init__, None, new.__dataclass_fields__, None)
    assert (found, unset) == ([], []) or found == [("x", "default", 1)]


def test_fields_of_another_library_are_not_read():
    class Field:
        @property
        def default(self):
            raise AssertionError

    assert t.fields_fill(None, None, None, None, None, {"x": Field(), 1: 2}, None) == ([], [], [])


def test_factory_that_fails():
    def factory():
        raise RuntimeError("no value")

    old, new = dataclass_sides([], [("x", int, dataclasses.field(default_factory=factory))])
    keep = old()
    with pytest.raises(RuntimeError, match="no value"):
        dataclass_fill(old, new, old)
    del keep


def test_factory_that_changes_the_instance():
    def factory():
        obj.__class__ = Other
        return 1

    old, new = dataclass_sides(
        [], [("x", int, dataclasses.field(default_factory=factory)), ("y", int, dataclasses.field(default=2))]
    )
    Other = type("Other", (), {"y": property(lambda self: 0, lambda self, value: None)})
    obj = old()
    assert [name for _, name, _ in dataclass_fill(old, new, old)[2]] == ["x"]


def test_instances_are_not_kept():
    class C:
        pass

    new = make("self.items = []\nself.other = {'a': []}")
    obj = C()
    fill(None, new, C)
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(50):
        fill(None, new, C)
    gc.collect()
    assert len(gc.get_objects()) - before < 20
    del obj
