"""The effects room: what staged code did to live objects is found, taken back, or made to stand there once.

In: small namespaces that play a live module and its staged copy. Out: one test per kind of holder and per rule of registrations.
"""
import collections
import functools
import gc
import threading
import types
import weakref

import pytest

from midflight import _testengine as t

LIST, DEQUE, CELL, SET, DICT, SPACE, SLOTS, CLASS = (
    t.EFFECT_LIST, t.EFFECT_DEQUE, t.EFFECT_CELL, t.EFFECT_SET, t.EFFECT_DICT, t.EFFECT_SPACE, t.EFFECT_SLOTS, t.EFFECT_CLASS)


def module(name, text, **names):
    mod = types.ModuleType(name)
    mod.__dict__.update(names)
    exec(compile(text, name + ".py", "exec"), mod.__dict__)
    return mod


class Stage:
    """A live namespace, its staged copy and the effects of what runs there."""

    def __init__(self, live):
        self.live = live
        self.dict = dict(live)
        self.effects = t.effects_new()
        t.effects_foreign(self.effects, self.dict)

    def run(self, text, during=None, fails=None):
        code = compile(text, "staged.py", "exec")
        t.effects_before(self.effects, code, self.dict)
        try:
            exec(code, self.dict)
        except Exception as error:
            if fails is None or type(error) is not fails:
                raise
        if during:
            during()
        t.effects_after(self.effects)
        return self

    def old(self, text):
        t.effects_before(self.effects, compile(text, "old.py", "exec"), self.live, True)
        return self

    def back(self):
        t.effects_take_back(self.effects)

    def holders(self, kind=None):
        return [h for h in t.effects_holders(self.effects) if kind is None or h[0] == kind]

    def watches(self, holder):
        return any(h[1] is holder for h in self.holders())

    def settle(self, *names, made=(), named=()):
        """The names' staged objects go home; the writes are made as the engine would make them."""
        pairs = [(self.dict[n], self.live[n]) for n in names]
        rerun = [(self.live[n], t.RERUN_MADE) for n in (*names, *made)] + [(self.live[n], t.RERUN_NAMED) for n in named]
        writes = t.effects_settle(self.effects, pairs, rerun)
        for holder, contents in writes:
            if isinstance(holder, (list, collections.deque)):
                holder.clear()
                holder.extend(contents)
            elif isinstance(holder, (dict, set)):
                assert type(contents) in (dict, set, collections.OrderedDict)
                holder.clear()
                holder.update(contents)
            elif isinstance(holder, types.CellType):
                holder.cell_contents, = contents
            else:
                for name, value in contents.items():
                    setattr(holder, name, value)
        assert t.effects_settle(self.effects, pairs, []) == []
        return len(writes)


def live(text, **names):
    ns = {"__name__": "m", "__builtins__": __builtins__, **names}
    exec(compile(text, "m.py", "exec"), ns)
    return ns


# ------------------------------------------------------------------ what code can reach

REACH = {
    "list": ("X = []", "X.append(1)", lambda g: g["X"]),
    "nested": ("X = {'a': [([],)]}", "X['a'][0][0].append(1)", lambda g: g["X"]["a"][0][0]),
    "function": ("X = []\ndef add(v): X.append(v)", "add(1)", lambda g: g["X"]),
    "inner function": ("X = []\ndef add(v):\n def do(): X.append(v)\n do()", "add(1)", lambda g: g["X"]),
    "call of a call": ("X = []\ndef a(v): X.append(v)\ndef b(v): a(v)", "b(1)", lambda g: g["X"]),
    "closure": ("def make():\n x = []\n def add(v): x.append(v)\n return add\nadd = make()", "add(1)",
                lambda g: g["add"].__closure__[0].cell_contents),
    "default": ("def add(v, x=[]): x.append(v)", "add(1)", lambda g: g["add"].__defaults__[0]),
    "keyword default": ("def add(v, *, x=[]): x.append(v)", "add(1)", lambda g: g["add"].__kwdefaults__["x"]),
    "attribute of a function": ("def f(): pass\nf.x = []", "f.x.append(1)", lambda g: g["f"].x),
    "instance": ("class A:\n def __init__(self): self.x = []\na = A()", "a.x.append(1)", lambda g: g["a"].x),
    "method": ("class A:\n def __init__(self): self.x = []\n def add(self, v): self.x.append(v)\na = A()", "a.add(1)", lambda g: g["a"].x),
    "instance of an instance": ("class A: pass\na = A(); a.b = A(); a.b.x = {}", "a.b.x[1] = 2", lambda g: g["a"].b.x),
    "instance in a dict": ("class A: pass\nT = {'a': A()}; T['a'].x = []", "T['a'].x.append(1)", lambda g: g["T"]["a"].x),
    "slots": ("class A:\n __slots__ = ('x',)\na = A(); a.x = []", "a.x.append(1)", lambda g: g["a"].x),
    "class": ("class A:\n x = []", "A.x.append(1)", lambda g: g["A"].x),
    "base class": ("class A:\n x = []\nclass B(A): pass", "B.x.append(1)", lambda g: g["A"].x),
    "class method": ("X = []\nclass A:\n @classmethod\n def add(cls, v): X.append(v)", "A.add(1)", lambda g: g["X"]),
    "property": ("X = []\nclass A:\n @property\n def p(self): X.append(1)\na = A()", "a.p", lambda g: g["X"]),
    "__init__": ("X = []\nclass A:\n def __init__(self): X.append(1)", "A()", lambda g: g["X"]),
    "__init_subclass__": ("X = []\nclass A:\n def __init_subclass__(cls): X.append(1)", "class B(A): pass", lambda g: g["X"]),
    "metaclass": ("class M(type):\n x = []\n def __init__(c, *a): M.x.append(1)\nclass A(metaclass=M): pass\nM.x.clear()", "class B(A): pass",
                  lambda g: g["M"].x),
    "descriptor": ("X = []\nclass D:\n def __set_name__(self, o, n): X.append(1)", "class A:\n d = D()", lambda g: g["X"]),
    "bound method": ("X = []\nadd = X.append", "add(1)", lambda g: g["X"]),
    "bound Python method": ("class A:\n def __init__(self): self.x = []\n def add(self, v): self.x.append(v)\na = A()\nadd = a.add", "add(1)",
                            lambda g: g["a"].x),
    "partial": ("import functools\nX = []\ndef f(x, v): x.append(v)\nadd = functools.partial(f, X)", "add(1)", lambda g: g["X"]),
    "wrapped": ("import functools\nX = []\n@functools.lru_cache\ndef add(v): X.append(v)", "add(1)", lambda g: g["X"]),
    "deque": ("import collections\nX = collections.deque()", "X.append(1)", lambda g: g["X"]),
    "defaultdict": ("import collections\nX = collections.defaultdict(list)", "X[1].append(1)", lambda g: g["X"]),
    "set": ("X = set()", "X.add(1)", lambda g: g["X"]),
    "comprehension": ("X = []\ndef add(v): X.append(v)", "Y = [add(i) for i in range(2)]", lambda g: g["X"]),
    "class body": ("X = []", "class A:\n X.append(1)", lambda g: g["X"]),
    "called instance": ("class A:\n def __init__(self): self.x = []\n def __call__(self, v): self.x.append(v)\na = A()", "a(1)", lambda g: g["a"].x),
    "list subclass": ("class L(list): pass\nX = L()\nX.y = []", "X.y.append(1)", lambda g: g["X"].y),
    "mapping proxy": ("import types\nd = {}\nX = types.MappingProxyType(d)", "d[1] = 2", lambda g: g["d"]),
}


@pytest.mark.parametrize("case", sorted(REACH))
def test_reach_and_take_back(case):
    text, step, find = REACH[case]
    g = live(text)
    holder = find(g)
    before = repr(holder)
    stage = Stage(g).run(step)
    assert repr(holder) != before and stage.watches(holder)
    stage.back()
    assert repr(holder) == before


def test_module_attributes_and_globals_of_functions():
    hub = module("hub", "X = []\nlast = None\ndef add(v):\n global last\n last = v\n X.append(v)")
    stage = Stage(live("", hub=hub)).run("hub.add(1)\nhub.other = 2\ndel hub.__doc__")
    assert hub.X == [1] and hub.last == 1
    stage.back()
    assert hub.X == [] and hub.last is None and not hasattr(hub, "other") and hub.__doc__ is None


def test_import_inside_a_function(monkeypatch):
    hub = module("mf_test_hub", "X = []")
    monkeypatch.setitem(__import__("sys").modules, "mf_test_hub", hub)
    stage = Stage(live("def add(v):\n from mf_test_hub import X\n X.append(v)")).run("add(1)")
    stage.back()
    assert hub.X == []


def test_body_of_a_staged_function_is_not_followed():
    g = live("X = []")
    assert not Stage(g).run("def f(): X.append(1)").watches(g["X"])


def test_staging_namespace_is_no_holder():
    g = live("X = []\ndef f(): X")
    stage = Stage(g)
    stage.run("f(); X.append(1); g = f")
    assert not stage.watches(stage.dict) and stage.watches(g["X"])


def test_nothing_of_the_program_is_called():
    text = """
def no(*a, **k): raise SystemExit("called")
class Key:
    def __hash__(self): return 7
    __eq__ = __getattr__ = __getattribute__ = __iter__ = __len__ = __bool__ = __repr__ = no
class D(dict): __iter__ = keys = items = __getitem__ = __len__ = __eq__ = copy = no
class L(list): __iter__ = __getitem__ = __len__ = __eq__ = clear = extend = no
class S(set): __iter__ = __contains__ = __len__ = __eq__ = difference_update = update = no
class Meta(type): __getattr__ = __setattr__ = no
class A(metaclass=Meta):
    p = property(no)
    __getattr__ = __getattribute__ = __setattr__ = no
k = Key()
d = D(); dict.__setitem__(d, k, 1); l = L([k]); s = S(); set.add(s, k)
a = A()
"""
    g = live(text)
    stage = Stage(g).run("dict.update(d, x=2); list.append(l, k); set.add(s, 3); type.__setattr__(A, 'q', 1); a, no, k\n"
                         "object.__setattr__(a, 'z', [k])")
    stage.back()
    assert dict.__len__(g["d"]) == 1 and list.__len__(g["l"]) == 1 and set.__len__(g["s"]) == 1
    assert "q" not in type.__dict__["__dict__"].__get__(g["A"]) and "z" not in object.__getattribute__(g["a"], "__dict__")


# ------------------------------------------------------------------ take back

WRITES = {
    "append, others append": ("X = [1]", "X.append(2)", "X.append(3)", "[1, 3]"),
    "insert": ("X = [1, 2]", "X.insert(1, 5)", "", "[1, 2]"),
    "remove": ("X = [1, 2, 3]", "X.remove(2)", "X.append(4)", "[1, 2, 3, 4]"),
    "clear": ("X = [1, 2]", "X.clear()", "X.append(4)", "[1, 2, 4]"),
    "sort": ("X = [3, 1, 2]", "X.sort()", "", "[3, 1, 2]"),
    "the later of equals": ("X = [None]", "X.append(None)", "X.append(1)", "[None, 1]"),
    "deque": ("import collections\nX = collections.deque([1, 2], 2)", "X.append(3)", "", "deque([1, 2], maxlen=2)"),
    "key added": ("X = {1: 1}", "X[2] = 2", "X[3] = 3", "{1: 1, 3: 3}"),
    "value changed": ("X = {1: 1, 2: 2}", "X[1] = 5", "X[3] = 3", "{1: 1, 2: 2, 3: 3}"),
    "value changed twice": ("X = {1: 1}", "X[1] = 5", "X[1] = 6", "{1: 6}"),
    "key deleted": ("X = {1: 1, 2: 2, 3: 3}", "del X[1], X[2]", "X[4] = 4", "{1: 1, 2: 2, 3: 3, 4: 4}"),
    "key deleted, then made by others": ("X = {1: 1}", "del X[1]", "X[1] = 7", "{1: 7}"),
    "order": ("X = {1: 1, 2: 2}", "X[1] = X.pop(1)", "", "{1: 1, 2: 2}"),
    "moved to the end": ("import collections\nX = collections.OrderedDict(a=1, b=2)", "X.move_to_end('a'); X['c'] = 3", "",
                         repr(collections.OrderedDict(a=1, b=2))),
    "set": ("X = {1, 2}", "X.add(3); X.discard(1)", "X.add(4)", "{1, 2, 4}"),
    "cleared set": ("X = {1}", "X.clear()", "", "{1}"),
    "attribute": ("class A: x = 1", "A.x = 2; A.y = 3", "A.z = 4", ""),
}


@pytest.mark.parametrize("case", sorted(WRITES))
def test_take_back_keeps_what_others_wrote(case):
    text, step, others, expected = WRITES[case]
    g = live(text)
    stage = Stage(g).run(step)
    exec(others, g)
    stage.back()
    if expected:
        assert repr(g["X"]) == expected
    else:
        assert g["A"].x == 1 and not hasattr(g["A"], "y") and g["A"].z == 4


def test_others_between_two_steps():
    g = live("X = [1]\nT = {}")
    stage = Stage(g).run("X.append(2); T['a'] = 1")
    exec("X.append(3); T['b'] = 2", g)
    stage.run("X.append(4); T['c'] = 3; T['a'] = 5")
    exec("X.append(5); T['d'] = 4", g)
    stage.back()
    assert g["X"] == [1, 3, 5] and g["T"] == {"b": 2, "d": 4}


def test_attributes_that_no_staged_code_writes_are_the_other_threads():
    g = live("class A: pass\na = A(); a.n = 0; a.x = 0\ndef setx(): a.x += 1")
    stop, ready = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: (ready.set(), stop.wait(10)))
    thread.start()
    ready.wait()
    stage = Stage(g)
    stage.run("setx()", during=lambda: g["a"].__dict__.update(n=1))
    stage.back()
    stop.set()
    thread.join()
    assert vars(g["a"]) == {"n": 1, "x": 0}


def test_failing_step_and_instance_state():
    text = "class A:\n __slots__ = ('x', 'y', '__dict__')\nclass B: pass\na = A(); a.x = 1; a.d = 1\nb = B(); b.n = 1\ndef c():\n n = 0\n" \
           " def f():\n  nonlocal n\n  n += 1\n return f\nf = c()"
    g = live(text)
    Stage(g).run("a.x = 2; a.y = 3; a.d = 4; a.e = 5; b.n = 2; b.m = 3; f(); 1 / 0", fails=ZeroDivisionError).back()
    a, b = g["a"], g["b"]
    assert a.x == 1 and not hasattr(a, "y") and vars(a) == {"d": 1} and vars(b) == {"n": 1}
    assert g["f"].__closure__[0].cell_contents == 0


def test_destructors_run_last_and_may_write():
    g = live("X = []; T = {}; S = set()\nclass Z:\n def __del__(self): X.append('gone'); T['gone'] = 1; S.add('gone')")
    Stage(g).run("X.append(Z()); T['z'] = Z(); S.add(Z())").back()
    gc.collect()
    assert g["X"] == ["gone"] * 3 and g["T"] == {"gone": 1} and g["S"] == {"gone"}


def test_big_ones_are_not_copied():
    g = live("X = list(range(20000)); T = dict.fromkeys(range(20000)); S = set(range(20000))")
    stage = Stage(g).run("X.append('a'); T['a'] = 1; S.add('a')")
    assert [h[2] for h in stage.holders() if h[0] in (LIST, DICT, SET)] == [1, 1, 1]
    g["X"].append("b"), g["T"].update(b=2)
    stage.back()
    assert g["X"] == [*range(20000), "b"] and g["T"] == {**dict.fromkeys(range(20000)), "b": 2}


def test_no_import_is_taken_back():
    Stage(live("import sys, xml")).run("import xml.sax.handler; sys.modules, xml").back()
    import xml.sax.handler
    assert xml.sax.handler


def test_changed_and_watch():
    g = live("X = {'a': [1]}")
    stage = Stage(g)
    t.effects_watch(stage.effects, g["X"], 0)
    assert stage.watches(g["X"]) and not stage.watches(g["X"]["a"]) and not stage.holders()[0][4]
    g["X"]["b"] = 1
    assert stage.holders()[0][4]


def test_nothing_is_kept():
    class Live:
        pass
    a = Live()
    a.x = []
    ref = weakref.ref(a)
    stage = Stage(live("", a=a)).run("a.x.append(a); a.y = a")
    stage.back()
    del stage, a
    gc.collect()
    assert ref() is None


# ------------------------------------------------------------------ registrations

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


def test_unhashable_by_us_and_ordered():
    assert functools.reduce(lambda a, b: a, [1, 2]) == 1
