"""__migrate__ on copies: what it changes, what the program never sees."""

import gc

import pytest

from midflight import _testengine as t

t.heap_probe()


def migrate(old, new, init, become=False, changed=False):
    hooks = t.hooks_new(1, [])
    written = t.hooks_migrate_all(hooks, old, new, init, become, changed)
    reasons = [(e["code"], e["name"].rpartition(".")[2], e["text"]) for e in t.hooks_state(hooks)[0]["reasons"]]
    return written, reasons


def sides(hook, base=object, old_names={}, new_names={}):
    return type("User", (base,), dict(old_names)), type("User", (base,), {"__migrate__": hook, **new_names})


def init(self):
    self.first = ""
    self.last = ""
    self.tags = []


def made(cls, **attrs):
    obj = cls.__new__(cls)
    for name, value in attrs.items():
        setattr(obj, name, value)
    return obj


def as_dict(written):
    return {(id(item[0]), item[1]): item[2:] for item in written}


@pytest.mark.parametrize("through", [vars, lambda obj: None])
def test_values_of_the_hook(through):
    seen = []

    def hook(self, update):
        seen.append((type(self) is new, self.first, self.tags, update.old is self))
        self.first, self.last = update.old.name.split()
        del self.name

    old, new = sides(hook)
    ann, bo = made(old, name="Ann Lee", age=3), made(old, name="Bo Ek", first="mine")
    through(ann)
    written, reasons = migrate(old, new, init)
    assert reasons == []
    assert as_dict(written) == {
        (id(ann), "first"): ("Ann",),
        (id(ann), "last"): ("Lee",),
        (id(ann), "tags"): ([],),
        (id(ann), "name"): (),
        (id(bo), "first"): ("Bo",),
        (id(bo), "last"): ("Ek",),
        (id(bo), "tags"): ([],),
        (id(bo), "name"): (),
    }
    assert sorted(seen, key=lambda s: s[1]) == [(True, "", [], False), (True, "mine", [], False)]
    assert vars(ann) == {"name": "Ann Lee", "age": 3}


def test_failing_hook():
    def hook(self, update):
        self.first = update.old.name.split()[1]

    old, new = sides(hook)
    users = [made(old, name="single"), made(old, name="single")]
    written, reasons = migrate(old, new, init)
    assert written == [] and reasons == [("MF413", "__migrate__", "IndexError: list index out of range")]
    assert [vars(u) for u in users] == [{"name": "single"}] * 2


def test_without_a_hook_only_fields():
    class Old:
        pass

    obj = Old()
    written, reasons = migrate(Old, type("New", (), {}), init)
    assert as_dict(written) == {(id(obj), "first"): ("",), (id(obj), "last"): ("",), (id(obj), "tags"): ([],)}
    assert reasons == []


def test_no_field_changed():
    def hook(self, update):
        self.called = True

    def nothing(self):
        pass

    old, new = sides(hook)
    obj = made(old)
    assert migrate(old, new, nothing) == ([], [])
    assert migrate(old, new, nothing, changed=True) == ([(obj, "called", True)], [])


def test_slots():
    def hook(self, update):
        self.b = (self.a, update.old.b)
        del self.a

    class Base:
        __slots__ = ("a", "b", "__weakref__")

    old, new = sides(hook, Base, {"__slots__": ()}, {"__slots__": ()})
    obj = made(old, a=1, b=2)
    written, reasons = migrate(old, new, init)
    assert reasons == [] and as_dict(written) == {(id(obj), "b"): ((1, 2),), (id(obj), "a"): ()}
    assert (obj.a, obj.b) == (1, 2)


def test_subclass_instances():
    types = []

    def hook(self, update):
        types.append(type(self).__name__)
        self.first = "x"

    old, new = sides(hook)
    obj = made(type("Sub", (old,), {}))
    written, _ = migrate(old, new, init)
    assert types == ["Sub"] and (obj, "first", "x") in written


def test_copy_that_is_seen():
    registry = []

    def hook(self, update):
        registry.append(self)

    old, new = sides(hook)
    obj = made(old)
    _, reasons = migrate(old, new, init)
    assert [code for code, _, _ in reasons] == ["MF413"]
    registry.clear()
    written, reasons = migrate(old, new, init, become=True)
    assert reasons == [] and [item for item in written if item[0] == "become"] == [("become", registry[0], obj)]


def test_changes_meanwhile_are_not_written_over():
    def hook(self, update):
        update.old.name = "changed by another thread"
        self.first = "x"

    old, new = sides(hook)
    obj = made(old, name="n")
    written, _ = migrate(old, new, init)
    assert (id(obj), "name") not in as_dict(written)


class Array(list):
    pass


@pytest.mark.parametrize("base", [list, dict, Exception, Array])
def test_base_in_c(base):
    old, new = sides(lambda self, update: None, base)
    obj = old()
    written, reasons = migrate(old, new, init)
    assert written == [] and [code for code, _, _ in reasons] == ["MF413"]
    del obj


def test_new_and_init_do_not_run():
    def fail(*args, **kwargs):
        raise AssertionError

    never = {"__new__": fail, "__init__": fail, "__setattr__": fail, "__getattribute__": fail, "__del__": fail}
    old, new = sides(lambda self, update: object.__setattr__(self, "first", "x"), object, {}, never)
    obj = object.__new__(old)
    written, reasons = migrate(old, new, init)
    assert reasons == [] and (id(obj), "first") in as_dict(written)


def test_del_of_a_copy_does_not_run():
    deleted = []
    old, new = sides(lambda self, update: None, object, {}, {"__del__": lambda self: deleted.append(1)})
    obj = made(old, name="n")
    assert migrate(old, new, init)[1] == []
    gc.collect()
    assert deleted == []
    del obj


def test_nothing_is_left():
    def hook(self, update):
        self.first = "x"

    old, new = sides(hook)
    obj = made(old, name="n")
    migrate(old, new, init)
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(30):
        migrate(old, new, init)
    gc.collect()
    assert len(gc.get_objects()) - before < 20
    del obj
