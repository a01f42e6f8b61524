"""The effects room: what staged code did to live objects is found and taken back.

In: small namespaces that play a live module and its staged copy. Out: one test per kind of holder. Registrations: test_registrations.py.
"""
import collections
import gc
import threading
import time
import weakref

import pytest

from effects_stage import Stage, live, module
from midflight import _testengine as t

LIST, DEQUE, CELL, SET, DICT, SPACE, SLOTS, CLASS = (
    t.EFFECT_LIST, t.EFFECT_DEQUE, t.EFFECT_CELL, t.EFFECT_SET, t.EFFECT_DICT, t.EFFECT_SPACE, t.EFFECT_SLOTS, t.EFFECT_CLASS)


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
    "instance among many": ("class A:\n def __init__(self): self.x = []\nT = {i: A() for i in range(300)}", "T[250].x.append(1)", lambda g: g["T"][250].x),
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
    "bytearray": ("X = bytearray(b'a')", "X.append(98)", lambda g: g["X"]),
    "method of a bytearray": ("X = bytearray(b'a')\nadd = X.append", "add(98)", lambda g: g["X"]),
    "bytearray in a slot": ("class A: __slots__ = 'x'\na = A(); a.x = bytearray(b'a')", "a.x.clear()", lambda g: g["a"].x),
    "array": ("import array\nX = array.array('d', [1.5])", "X[0] = 2; X.append(3)", lambda g: g["X"]),
    "counter": ("import itertools\nX = itertools.count()", "next(X); next(X)", lambda g: g["X"]),
    "next of a counter": ("import itertools\nX = itertools.count()\nnumber = X.__next__", "number()", lambda g: g["X"]),
    "counter with a step": ("import itertools\nX = itertools.count(1.5, 2)", "next(X)", lambda g: g["X"]),
    "counter beyond words": ("import itertools, sys\nX = itertools.count(sys.maxsize - 1)", "for i in range(3): next(X)", lambda g: g["X"]),
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
    "counter": ("import itertools\nX = itertools.count()", "next(X)", "", "count(0)"),
    "counter, others count": ("import itertools\nX = itertools.count()", "next(X)", "next(X)", "count(2)"),
    "bytes": ("X = bytearray(b'a')", "X += b'b'", "", "bytearray(b'a')"),
    "bytes, others write": ("X = bytearray(b'a')", "X += b'b'", "X += b'c'", "bytearray(b'abc')"),
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


BESIDE = """
import time
STATS, LOG, SEEN, REG = {'n': 0}, [], set(), {}
class S: pass
s = S(); s.n = s.mine = 0
def count():
    STATS['n'] += 1; LOG.append(STATS['n']); SEEN.add(STATS['n']); s.n += 1; s.mine
def register(f): LOG.append(f); REG[f.__name__] = f; SEEN.add(f); return f
def wait(): time.sleep(0.05)
"""


def test_other_threads_run_while_the_step_waits():
    g = live(BESIDE)
    stop = threading.Event()
    turns = []

    def work():
        while not stop.is_set():
            g["count"]()
            turns.append(1)
            stop.wait(0.001)

    thread = threading.Thread(target=work)
    thread.start()
    stage = Stage(g)
    stage.run("wait()\n@register\ndef f(): pass\nwait()\ns.mine = 5\nREG['text'] = 1\ncount, 1 / 0", fails=ZeroDivisionError)
    wrote = len(turns)
    stage.back()
    stop.set()
    thread.join()
    n = len(turns)
    assert wrote > 5 and g["STATS"] == {"n": n} and g["LOG"] == list(range(1, n + 1)) and g["SEEN"] == set(g["LOG"])
    assert vars(g["s"]) == {"n": n, "mine": 0} and g["REG"] == {}


def test_other_threads_that_sleep_are_no_others():
    g = live(BESIDE)
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    time.sleep(0.1)
    Stage(g).run("count(); STATS[7] = 8").back()
    stop.set()
    thread.join()
    assert g["STATS"] == {"n": 0} and g["LOG"] == [] and g["SEEN"] == set() and g["s"].n == 0


def test_a_step_inside_a_step():
    g = live("X = [1]; Y = {}\ndef outer(): X.append(2); inner(); X.append(4)\ndef inner(): pass")
    stage = Stage(g)
    stage.dict["inner"] = lambda: stage.run("X.append(3); Y[1] = 1")
    g["outer"].__globals__["inner"] = stage.dict["inner"]
    stage.run("outer()")
    assert g["X"] == [1, 2, 3, 4]
    stage.back()
    assert g["X"] == [1] and g["Y"] == {}


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


def test_what_the_library_keeps_is_left_alone():
    g = live("import threading, logging\nlog = logging.Logger('mf')\nclass T(threading.Thread):\n def run(self): pass\nt = T()")
    stage = Stage(g).run("log.addHandler(logging.NullHandler()); t.start(); t.join(); t.mark = 1")
    stage.back()
    assert g["log"].handlers == [] and not g["t"].is_alive() and not hasattr(g["t"], "mark") and g["t"].ident
