"""Registrations: what statements that ran again, or are gone, had put into live containers stands there once.

In: a hub with registries of every kind, statements that register. Out: one test per rule.
"""
import pytest

from effects_stage import Stage, live, module

HUB = """
import collections, functools
H, T, S, D, O = [], {}, set(), collections.deque(), collections.OrderedDict()
Entry = collections.namedtuple('Entry', 'key f')
class R:
    last = None
def on(key, *aliases):
    def deco(f):
        for k in (key, *aliases): H.append((k, f)); T[k] = f; O[k] = f
        D.append(Entry(key, f)); S.add(f); R.last = f
        return f
    return deco
def lazy(f): H.append(lambda: f()); return f
def part(f): H.append(functools.partial(f, 1)); return f
class Rule:
    def __init__(self, f): self.f = f
def rule(f): H.append(Rule(f)); return f
def by(p):
    def deco(f): H.append((p, f)); H.sort(key=lambda e: e[0]); return f
    return deco
def first(f): T.setdefault(f.__name__, f); return f
def add(name, f): T[name] = f; S.add(f); H.append(f)
"""
OLD = "@on('a')\ndef a(): pass\n", "@on('b', 'bb')\ndef b(): pass\n", "@on('c')\ndef c(): pass\n"


def hub(*texts):
    m = module("hub", HUB)
    return m, live("".join(texts), **{n: v for n, v in vars(m).items() if n[0] != "_"})


def test_replaced_in_its_place():
    m, g = hub(*OLD)
    a, b, c = g["a"], g["b"], g["c"]
    Stage(g).old(OLD[1]).run("@on('b', 'bb')\ndef b(x=1): pass").settle("b")
    assert m.H == [("a", a), ("b", b), ("bb", b), ("c", c)] and list(m.T.items()) == [("a", a), ("b", b), ("bb", b), ("c", c)]
    assert m.S == {a, b, c} and m.D[1] == ("b", b) and type(m.D[1]) is m.Entry and m.R.last is b and list(m.O) == ["a", "b", "bb", "c"]


def test_key_changed_and_alias_gone():
    m, g = hub(*OLD)
    a, b, c = g["a"], g["b"], g["c"]
    Stage(g).old(OLD[1]).run("@on('B')\ndef b(): pass").settle("b")
    assert m.H == [("a", a), ("B", b), ("c", c)] and list(m.T.items()) == list(m.O.items()) == [("a", a), ("B", b), ("c", c)]


def test_gone_and_no_longer_registered():
    m, g = hub(*OLD)
    a, c, last = g["a"], g["c"], m.R.last
    stage = Stage(g).old(OLD[1]).old(OLD[0])
    stage.run("def a(): pass")
    assert stage.settle("a", made=["b"]) == 5
    assert m.H == [("c", c)] and m.T == m.O == {"c": c} and m.S == {c} and list(m.D) == [("c", c)] and m.R.last is last and a


def test_run_time_items_stay():
    m, g = hub(*OLD)
    b = g["b"]
    m.H.insert(2, "live"), m.T.update(live=1), m.S.add("live")
    stage = Stage(g).old(OLD[1]).run("@on('b')\ndef b(): pass")
    m.H.append("later")
    stage.settle("b")
    assert m.H == [("a", g["a"]), ("b", b), "live", ("c", g["c"]), "later"] and m.T["live"] == 1 and "live" in m.S


@pytest.mark.parametrize("deco", ["lazy", "part", "rule"])
def test_object_inside_what_is_registered(deco):
    old = f"@{deco}\ndef b(): pass\n"
    m, g = hub(f"@{deco}\ndef a(): pass\n", old)
    first = m.H[0]
    stage = Stage(g).old(f"@{deco}\ndef a(): pass\n").run(f"@{deco}\ndef a(x=1): pass")
    new = m.H[2]
    stage.settle("a")
    assert m.H[0] is new and m.H[0] is not first and len(m.H) == 2
    Stage(g).old(old).settle(made=["b"])
    assert m.H == [new]


def test_sorted_registrations_stay_sorted():
    m, g = hub("@by(1)\ndef a(): pass\n@by(2)\ndef b(): pass\n@by(3)\ndef c(): pass\n")
    Stage(g).run("@by(20)\ndef b(): pass").settle("b")
    assert m.H == [(1, g["a"]), (3, g["c"]), (20, g["b"])]


def test_kept_by_setdefault():
    m, g = hub("@first\ndef a(): pass\n")
    Stage(g).run("@first\ndef a(x=1): pass").settle("a")
    assert m.T == {"a": g["a"]}


def test_bare_call_with_its_object():
    m, g = hub("def f(): pass\nadd('f', f)\n")
    f = g["f"]
    Stage(g).old("add('f', f)").run("add('f', f)").settle(named=["f"])
    assert m.T == {"f": f} and m.S == {f} and m.H == [f]
    Stage(g).old("add('f', f)").run("add('g', f)").settle(named=["f"])
    assert m.T == {"g": f} and m.S == {f} and m.H == [f]
    Stage(g).old("add('g', f)").settle(made=["f"])
    assert m.T == {} and m.S == set() and m.H == []


def test_new_objects_and_other_modules_stay():
    m, g = hub(*OLD)
    Stage(g).run("@on('d')\ndef d(): pass").settle()
    assert [k for k, f in m.H] == ["a", "b", "bb", "c", "d"] and list(m.T) == ["a", "b", "bb", "c", "d"]


def test_staged_code_that_takes_the_old_one_out_itself():
    m, g = hub("")
    g.update(live("def put(f):\n for o in H[:]:\n  if o.__name__ == f.__name__: H.remove(o)\n H.append(f)\n return f\n"
                  "@put\ndef a(): pass\n@put\ndef b(): pass\n", H=m.H))
    Stage(g).run("@put\ndef a(x=1): pass").settle("a")
    assert m.H == [g["a"], g["b"]]


def test_keys_are_registrations_too():
    g = live("K = {}\ndef f(): pass\ndef g(): pass\nK[f] = 1; K[f, 1] = 2; K[g] = 3\n")
    Stage(g).run("def f(x=1): pass\nK[f] = 10; K[f, 1] = 20").settle("f")
    assert list(g["K"].items()) == [(g["f"], 10), ((g["f"], 1), 20), (g["g"], 3)]


ROUTES = """
PATHS, RULES, OBJECTS, NUMBER = [], [], [], {}
class Obj:
    def __init__(self, path): self.path = path
def route(path, **options):
    def deco(f):
        PATHS.append(path); RULES.append((path, f.__name__, options)); OBJECTS.append(Obj(path)); NUMBER[path] = 1
        return f
    return deco
"""


@pytest.mark.parametrize("new, path", [("/b", "/b"), ("/c", "/c")])
def test_items_without_an_object_are_told_by_their_text(new, path):
    m = module("hub", ROUTES)
    old = "@route('/b')\ndef b(): pass\n"
    g = live("@route('/a')\ndef a(): pass\n" + old, **vars(m))
    m.PATHS.append("run time")
    Stage(g).old(old).run(f"@route('{new}', x=1)\ndef b(y=1): pass").settle("b")
    assert m.PATHS == ["/a", path, "run time"] and m.RULES == [("/a", "a", {}), (path, "b", {"x": 1})]
    assert [o.path for o in m.OBJECTS] == list(m.NUMBER) == ["/a", path]


def test_equal_items_of_other_statements_stay():
    m = module("hub", ROUTES)
    g = live("@route('/a')\ndef a(): pass\n", **vars(m))
    Stage(g).run("@route('/a')\ndef c(): pass").settle()
    assert m.PATHS == ["/a", "/a"]


def test_records_and_registries_in_registries():
    m = module("hub", """
ROUTES, TABLE, EVENTS, GROUPS = [], {}, {'quit': [], 'start': []}, {}
def on(path, group='g'):
    def deco(f):
        ROUTES.append({'path': path, 'view': f}); TABLE[path] = {'view': f, 'path': path}
        EVENTS['quit'].append(f); GROUPS.setdefault(group, {})[path] = f
        return f
    return deco
""")
    old = "@on('/b')\ndef b(): pass\n"
    g = live("@on('/a')\ndef a(): pass\n" + old, **vars(m))
    a, b = g["a"], g["b"]
    stage = Stage(g).old(old).run("@on('/B')\ndef b(x=1): pass")
    stage.settle("b")
    assert [r["path"] for r in m.ROUTES] == list(m.TABLE) == list(m.GROUPS["g"]) == ["/a", "/B"] and m.EVENTS == {"quit": [a, b], "start": []}
    m.ROUTES[1]["view"] = m.TABLE["/B"]["view"] = b          # become's part
    Stage(g).old("@on('/B')\ndef b(x=1): pass").settle(made=["b"])
    assert m.ROUTES == [{"path": "/a", "view": a}] and m.TABLE == {"/a": {"view": a, "path": "/a"}}
    assert m.EVENTS == {"quit": [a], "start": []} and m.GROUPS == {"g": {"/a": a}}


def test_weak_registries():
    m = module("hub", "import weakref\nW, V = weakref.WeakSet(), weakref.WeakValueDictionary()\ndef weak(f): W.add(f); V[f.__name__] = f; return f")
    old = "@weak\ndef a(): pass\n"
    g = live(old, **vars(m))
    stage = Stage(g).old(old).run("@weak\ndef a(x=1): pass")
    stage.settle("a")
    assert set(m.W) == {g["a"]} and dict(m.V) == {"a": g["a"]}


def test_instances_of_a_class_are_no_registrations_of_it():
    g = live("POOL = []\nclass W:\n def __init__(self): POOL.append(self)\nw = W()\n")
    pool = list(g["POOL"])
    Stage(g).old("class W: POOL").run("class W:\n def __init__(self, x=1): POOL.append(self)").settle("W")
    assert g["POOL"] == pool
