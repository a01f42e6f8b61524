"""What an __init__ sets, read off its instructions."""

import collections
import textwrap

import pytest

from midflight import _testengine as t

UNSET = ("unset", None)


def make(source, **names):
    """The __init__ with this body; the parameters stand in its first line if it begins with a bracket."""
    body = textwrap.dedent(source).strip("\n")
    head = "(self)"
    if body.startswith("("):
        head, _, body = body.partition("\n")
    space = dict(names)
    exec(f"def __init__{head}:\n" + textwrap.indent(body, "    "), space)
    return space["__init__"]


def read(source, **names):
    function = make(source, **names)
    return {name: (how, value) for name, how, value in t.fields_read(function.__code__, function)}


@pytest.mark.parametrize(
    "text",
    ["None", "True", "False", "...", "0", "1", "255", "256", "-1", "-7", "10**20", "1.5", "-0.0", "2j", "''", "'x'", "b'x'", "()", "(1, (2, 3))", "1 << 4"],
)
def test_constants(text):
    how, value = read(f"self.x = {text}")["x"]
    assert how == "value" and repr(value) == repr(eval(text))


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        "set()",
        "dict()",
        "list()",
        "tuple()",
        "frozenset()",
        "str()",
        "[1]",
        "[1, 2]",
        "[1, 2, 3]",
        "[1, 'a', None, 300, -5]",
        "{1}",
        "{1, 2}",
        "{1, 2, 3}",
        "{'a': 1}",
        "{'a': 1, 'b': 2.5}",
        "{'a': [], 'b': {}, 'c': (1, 2)}",
        "[[], {}, [[1]]]",
        "([], 1)",
        "{'a': set(), 'b': [set()]}",
        "{1: 'x', (1, 2): 'y'}",
        "{%s}" % ", ".join(f"'k{i}': {i}" for i in range(40)),
        "[%s]" % ", ".join(map(str, range(60))),
        "[%s]" % ", ".join("[]" for i in range(60)),
        "{%s}" % ", ".join(map(str, range(60))),
        "{%s}" % ", ".join(f"'k{i}': []" for i in range(40)),
    ],
)
def test_containers(text):
    how, value = read(f"self.x = {text}")["x"]
    assert repr(value) == repr(eval(text))
    assert how == "copy"


@pytest.mark.parametrize("text", ["deque()", "defaultdict()", "defaultdict(list)", "Counter()", "OrderedDict()"])
def test_containers_of_collections(text):
    how, value = read(f"self.x = {text}", **vars(collections))["x"]
    assert how == "copy" and repr(value) == repr(eval(text, vars(collections)))


@pytest.mark.parametrize(
    "text",
    [
        "name",
        "f()",
        "[y]",
        "{y: 1}",
        "[1, *y]",
        "{**y}",
        "[i for i in y]",
        "lambda: 0",
        "f'{y}'",
        "y.z",
        "y[0]",
        "set(y)",
        "dict(a=1)",
        "1 if y else 2",
        "y or []",
        "list",
        "deque(y)",
        "object()",
        "{[]: 1}[0]",
    ],
)
def test_guesses(text):
    assert read(f"(self, name, y=None)\ny = y\nself.x = {text}", **vars(collections)) == {"x": UNSET}


def test_builtins_that_the_module_binds_anew():
    assert read("self.x = set()", set=lambda: 1 / 0) == {"x": UNSET}


def test_parameters():
    default = object()
    found = read("(self, a, b=d, *args, c=d, e, f=7, **kw)\nself.a, self.b, self.c = a, b, c\nself.e = e\nself.f = f\nself.args = args\nself.kw = kw", d=default)
    assert found == {
        "a": UNSET,
        "b": ("default", default),
        "c": ("default", default),
        "e": UNSET,
        "f": ("default", 7),
        "args": UNSET,
        "kw": UNSET,
    }


def test_parameter_bound_anew():
    assert read("(self, a=1)\nif not a:\n    a = 2\nself.a = a") == {"a": UNSET}
    assert read("(self, a=1)\nself.a = a\ndel a") == {"a": UNSET}
    assert read("(self, a=1)\nself.a = a\nfor a in ():\n    pass") == {"a": UNSET}


def test_parameter_of_an_inner_function():
    assert read("(self, a=1)\nself.f = lambda: a\nself.x = 2") == {"f": UNSET, "x": ("value", 2)}
    assert read("(self, a=1)\ndef g():\n    nonlocal a\n    a = 2\ng()\nself.a = a") == {"a": UNSET}


def test_self_in_an_inner_function():
    assert read("self.f = lambda: self.x\nself.x = 1") == {"f": UNSET, "x": ("value", 1)}


def test_self_bound_anew():
    assert read("self.x = 1\nself = other\nself.y = 2", other=None) == {}


def test_other_objects():
    assert read("(self, other)\nother.x = 1\nself.y.z = 2\nself.w = 3") == {"w": ("value", 3)}


def test_no_self():
    assert read("(*args)\nargs[0].x = 1") == {}
    assert t.fields_read((lambda: 0).__code__) == []


def test_without_the_function():
    function = make("(self, a=1)\nself.a = a\nself.x = 1\nself.s = set()\nself.l = []")
    found = {name: (how, value) for name, how, value in t.fields_read(function.__code__)}
    assert found == {"a": UNSET, "x": ("value", 1), "s": UNSET, "l": ("copy", [])}


def test_chained_and_unpacked():
    assert read("self.a = self.b = 0") == {"a": ("value", 0), "b": ("value", 0)}
    assert read("self.a = self.b = []") == {"a": UNSET, "b": UNSET}
    assert read("self.a, self.b = 1, 2") == {"a": ("value", 1), "b": ("value", 2)}
    assert read("self.a, self.b = [], {}") == {"a": ("copy", []), "b": ("copy", {})}
    assert read("self.a, self.b, self.c = 'x', [], 3") == {"a": ("value", "x"), "b": ("copy", []), "c": ("value", 3)}
    assert read("(self, p=5)\nself.a, (self.b, self.c) = p, (1, p)")["a"] == ("default", 5)
    assert read("(self, p=5, q=6)\nself.a, self.b = p, q") == {"a": ("default", 5), "b": ("default", 6)}


def test_private_names_are_mangled():
    space = {}
    exec("class C:\n    def __init__(self):\n        self.__x = 1", space)
    ((name, how, value),) = t.fields_read(space["C"].__init__.__code__)
    assert (name, how, value) == ("_C__x", "value", 1)


def test_names_of_python():
    assert read("self.__dict__ = {}\nself.__class__ = int\nself.x = 1") == {"x": ("value", 1)}


X = ("value", 1)


@pytest.mark.parametrize(
    "source, expected",
    [
        ("if y:\n    self.x = 1", UNSET),
        ("if y:\n    self.x = 1\nelse:\n    self.x = 2", UNSET),
        ("if y:\n    pass\nself.x = 1", X),
        ("if y:\n    return\nself.x = 1", UNSET),
        ("if y:\n    raise ValueError\nself.x = 1", X),
        ("assert y\nself.x = 1", X),
        ("for i in y:\n    self.x = 1", UNSET),
        ("for i in y:\n    pass\nself.x = 1", X),
        ("for i in y:\n    if i:\n        return\nself.x = 1", UNSET),
        ("for i in y:\n    pass\nelse:\n    self.x = 1", X),
        ("for i in y:\n    break\nelse:\n    self.x = 1", UNSET),
        ("while y:\n    self.x = 1", UNSET),
        ("while True:\n    self.x = 1\n    if y:\n        break", X),
        ("try:\n    self.x = 1\nfinally:\n    y()", X),
        ("try:\n    y()\nfinally:\n    self.x = 1", X),
        ("try:\n    y()\n    self.x = 1\nexcept ValueError:\n    pass", UNSET),
        ("try:\n    y()\nexcept ValueError:\n    self.x = 1", UNSET),
        ("try:\n    y()\nexcept ValueError:\n    pass\nself.x = 1", X),
        ("try:\n    y()\nexcept ValueError:\n    return\nself.x = 1", UNSET),
        ("try:\n    y()\nexcept ValueError:\n    raise\nself.x = 1", X),
        ("try:\n    self.x = 1\nexcept ValueError:\n    raise", X),
        ("with y:\n    self.x = 1", UNSET),
        ("with y:\n    pass\nself.x = 1", X),
        ("z = [i for i in y]\nself.x = 1", X),
        ("z = y and y or y\nself.x = 1", X),
        ("match y:\n    case 1:\n        self.x = 1", UNSET),
        ("match y:\n    case 1:\n        pass\nself.x = 1", X),
        ("self.x = 1\ndel self.x", UNSET),
        ("del self.x\nself.x = 1", X),
        ("self.x = 1\nif y:\n    self.x = 5", X),
        ("self.x = 5\nself.x = 1", X),
        ("self.x = 1\nself.x = y()", UNSET),
        ("self.x = y()\nself.x = 1", X),
        ("super().__init__()\nself.x = 1", X),
        ("print('a', end='')\nself.x = 1", X),
        ("self.x = 1\nreturn", X),
        ("self.x: int = 1", X),
        ("yield\nself.x = 1", None),
    ],
)
def test_whatever_happens(source, expected):
    assert read(f"(self, y)\n{source}").get("x") == expected


def test_many_attributes():
    found = read("(self, y)\n" + "\n".join(f"self.a{i} = {i}\nif y:\n    self.b{i} = {i}" for i in range(300)))
    assert len(found) == 600
    assert all(found[f"a{i}"] == ("value", i) and found[f"b{i}"] == UNSET for i in range(300))


def test_specialised_code():
    function = make("self.x = 1\nself.y = []\nfor i in range(3):\n    self.z = i")

    class C:
        __init__ = function

    for _ in range(2000):
        C()
    assert {n: (h, v) for n, h, v in t.fields_read(function.__code__)} == {"x": X, "y": ("copy", []), "z": UNSET}
