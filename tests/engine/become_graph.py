"""What refers to a function and a class, one entry per kind of holder, and
whether it does so still: used by test_become."""

import asyncio
import collections
import contextvars
import functools
import itertools
import operator
import types
import weakref


class Plain:
    pass


class Slots:
    __slots__ = ("a", "b")


class SubList(list):
    pass


class SubDict(dict):
    pass


class SubTuple(tuple):
    pass


Named = collections.namedtuple("Named", "a b")


def generator(x, y):
    z = [x]
    yield x
    yield (x, y, z)


async def coroutine(x):
    await asyncio.sleep(0)
    return x


def with_attributes(obj, **attributes):
    for name, value in attributes.items():
        setattr(obj, name, value)
    return obj


def advanced(iterator):
    next(iterator)
    return iterator


def containers(F, C):
    return {
        "list": [1, F, C, F],
        "sublist": with_attributes(SubList([F]), attr=C),
        "tuple": (F, (C, "x")),
        "named": Named(F, C),
        "subtuple": with_attributes(SubTuple((F,)), q=C),
        "dict": {"a": F, "b": C, 1: F},
        "keys": {F: 1, C: 2, "z": 3},
        "deep keys": {(C, "x"): 1, (1, (F, 2)): 2, frozenset({C, 1}): 3},
        "subdict": with_attributes(SubDict({C: F}), x=F),
        "default": collections.defaultdict(C, {C: F}),
        "ordered": collections.OrderedDict([(1, F), (F, 1), (C, F)]),
        "counter": collections.Counter([F, C, C]),
        "set": {F, C, 1, 2, (C,)},
        "frozenset": frozenset({F, frozenset({C})}),
        "set of sets": {frozenset({F, (C, 1)})},
        "deque": collections.deque([F, 1, C], 10),
        "proxy": types.MappingProxyType({"a": F, F: F}),
        "alias": list[C],
        "alias key": {list[C]: 1},
        "method key": {types.MethodType(F, 1): 1},
        "self key": {types.MethodType(len, C): 1},
    }


def objects(F, C):
    context = contextvars.Context()
    variable = contextvars.ContextVar("variable")
    context.run(variable.set, F)
    values = with_attributes(Plain(), a=F, b=C)
    dicted = with_attributes(Plain(), a=F)
    dicted.__dict__["c"] = C
    big = with_attributes(Plain(), **{f"x{i}": F for i in range(60)})
    return {
        "values": values,
        "dicted": dicted,
        "big": big,
        "slots": with_attributes(Slots(), a=F),
        "cell": types.CellType(F),
        "method": types.MethodType(F, 1),
        "static": staticmethod(F),
        "class method": classmethod(F),
        "property": property(F, F),
        "partial": functools.partial(F, C, k=F),
        "namespace": types.SimpleNamespace(a=F),
        "slice": slice(F, C),
        "getter": operator.itemgetter(F),
        "exception": ValueError(F),
        "module": with_attributes(types.ModuleType("m"), f=F, C=C),
        "context": (variable, context),
        "instance": C(),
        "instance with values": with_attributes(C(), x=1, y=F),
    }


def code(F, C):
    def inner(a=F, *, k=C):
        return F, C

    inner.attr = C
    inner.__annotations__ = {"a": C}

    class Derived(C):
        f = F
        c = C

    async_one = coroutine(F)
    async_one.send(None)
    return {
        "function": inner,
        "class": Derived,
        "super": super(Derived, Derived()),
        "started": advanced(generator(F, C)),
        "unstarted": generator(F, C),
        "coroutine": async_one,
        "chain": itertools.chain([F], [C]),
        "repeat": itertools.repeat(F),
        "iterator": iter([F, C]),
        "value iterator": iter({"a": F}.values()),
    }


def caches(F, C):
    @functools.lru_cache(maxsize=8)
    def bounded(x):
        return (F, C)

    @functools.lru_cache(maxsize=None)
    def unbounded(x):
        return F

    bounded(1), bounded((C, 1)), bounded((F,)), unbounded(C)
    return {
        "bounded": bounded,
        "unbounded": unbounded,
        "callback": weakref.ref(Plain, F),
        "weak keys": weakref.WeakKeyDictionary({C: 1, F: 2}),
        "weak set": weakref.WeakSet([C, F]),
        "weak values": weakref.WeakValueDictionary({1: C, 2: F}),
    }


def build(F, C):
    return {
        **containers(F, C), **objects(F, C), **code(F, C), **caches(F, C)
    }


def finished(coro):
    try:
        coro.send(None)
    except StopIteration as stop:
        return stop.value


# What uses its object up, so that it can be asked once.
ONCE = {
    "started": lambda g, F, C: next(g) == (F, C, [F]),
    "unstarted": lambda g, F, C: next(g) is F,
    "coroutine": lambda c, F, C: finished(c) is F,
    "chain": lambda c, F, C: list(c) == [F, C],
    "iterator": lambda i, F, C: list(i) == [F, C],
    "value iterator": lambda i, F, C: list(i) == [F],
}


def ordered_works(od, F, C):
    good = list(od.items()) == [(1, F), (F, 1), (C, F)] and od[C] is F
    od.move_to_end(F)
    del od[C]
    good = good and list(od) == [1, F]
    od[C] = F
    return good


def cache_works(bounded, F, C):
    hits = bounded.cache_info().hits
    good = bounded((C, 1)) == (F, C) == bounded(1) == bounded((F,))
    good = good and bounded.cache_info().hits == hits + 3
    for i in range(30):
        bounded(i)
    return good and bounded.cache_info().currsize == 8


ONCE["ordered"] = ordered_works
ONCE["bounded"] = cache_works

AGAIN = {
    "list": lambda o, F, C: o == [1, F, C, F],
    "sublist": lambda o, F, C: o == [F] and o.attr is C,
    "tuple": lambda o, F, C: hash(o) == hash((F, (C, "x"))),
    "named": lambda o, F, C: o == (F, C),
    "subtuple": lambda o, F, C: o[0] is F and o.q is C,
    "dict": lambda o, F, C: o == {"a": F, "b": C, 1: F},
    "keys": lambda o, F, C: list(o) == [F, C, "z"] and (o[F], o[C]) == (1, 2),
    "deep keys": lambda o, F, C: (
        o[(C, "x")], o[(1, (F, 2))], o[frozenset({1, C})]) == (1, 2, 3),
    "subdict": lambda o, F, C: o[C] is F and o.x is F,
    "default": lambda o, F, C: o[C] is F and o.default_factory is C,
    "counter": lambda o, F, C: o[C] == 2 and o[F] == 1,
    "set": lambda o, F, C: o == {F, C, 1, 2, (C,)} and F in o and (C,) in o,
    "frozenset": lambda o, F, C: o == frozenset({F, frozenset({C})}),
    "set of sets": lambda o, F, C: frozenset({F, (C, 1)}) in o,
    "deque": lambda o, F, C: list(o) == [F, 1, C],
    "proxy": lambda o, F, C: o["a"] is F and o[F] is F,
    "alias": lambda o, F, C: o == list[C],
    "alias key": lambda o, F, C: list[C] in o,
    "method key": lambda o, F, C: types.MethodType(F, 1) in o,
    "self key": lambda o, F, C: types.MethodType(len, C) in o,
    "values": lambda o, F, C: o.a is F and o.b is C,
    "dicted": lambda o, F, C: o.a is F and o.c is C,
    "big": lambda o, F, C: all(getattr(o, f"x{i}") is F for i in range(60)),
    "slots": lambda o, F, C: o.a is F,
    "cell": lambda o, F, C: o.cell_contents is F,
    "method": lambda o, F, C: o.__func__ is F,
    "static": lambda o, F, C: o.__func__ is F,
    "class method": lambda o, F, C: o.__func__ is F,
    "property": lambda o, F, C: o.fget is F and o.fset is F,
    "partial": lambda o, F, C: (o.func, o.args, o.keywords) == (
        F, (C,), {"k": F}),
    "namespace": lambda o, F, C: o.a is F,
    "slice": lambda o, F, C: o.start is F and o.stop is C,
    "getter": lambda o, F, C: o({F: 3}) == 3,
    "exception": lambda o, F, C: o.args == (F,),
    "module": lambda o, F, C: o.f is F and o.C is C,
    "context": lambda o, F, C: o[1][o[0]] is F,
    "instance": lambda o, F, C: type(o) is C and o.name() == C.tag,
    "instance with values": lambda o, F, C: (
        type(o) is C and o.__dict__ == {"x": 1, "y": F}
        and o.y is F and o.name() == C.tag),
    "function": lambda o, F, C: (
        o() == (F, C) and o.__defaults__ == (F,) and o.attr is C
        and o.__kwdefaults__ == {"k": C} and o.__annotations__ == {"a": C}),
    "class": lambda o, F, C: (
        o.__mro__ == (o, C, object) and o.__bases__ == (C,)
        and o.__base__ is C and o in C.__subclasses__()
        and (o.f, o.c) == (F, C) and o().name() == C.tag),
    "super": lambda o, F, C: o.name() == C.tag,
    "repeat": lambda o, F, C: next(o) is F,
    "unbounded": lambda o, F, C: o(C) is F,
    "callback": lambda o, F, C: o.__callback__ is F,
    "weak keys": lambda o, F, C: o.get(C) == 1 and o.get(F) == 2,
    "weak set": lambda o, F, C: C in o and F in o and len(o) == 2,
    "weak values": lambda o, F, C: o.get(1) is C and o.get(2) is F,
}


def wrong(graph, F, C, once=True):
    """Names of the entries that do not mean F and C."""
    checks = {**AGAIN, **ONCE} if once else AGAIN
    return [name for name, check in checks.items()
            if not check(graph[name], F, C)]
