"""Random object graphs whose instances get another layout, over and over; a graph that was built before an update must be told from
one that is built after it by nothing. A process of its own:

    python tests/engine/random_graphs.py [--graphs N] [--seed N] [--each N]

Owns the generator and the description of a graph. Out: a line per update; exit status 1 at the first difference, with its seed.
"""
import argparse
import collections
import contextvars
import ctypes
import functools
import gc
import itertools
import os
import random
import sys
import tempfile
import threading
import types
import weakref

CLASSES = '''
class Common:
    __slots__ = ()

    def __init__(self, n):
        self.n = n
        self.a = None

    def method(self, *args):
        return self


class P(Common):
    LAYOUT


class H(P):
    __slots__ = ()

    def __hash__(self):
        return hash(self.n)

    def __eq__(self, other):
        return type(other) is H and other.n == self.n


class L(Common, list):
    LAYOUT


class D(Common, dict):
    LAYOUT
'''
LAYOUTS = ["__slots__ = ('n', 'a', '__weakref__')", "__slots__ = ('a', 'more', 'n', '__weakref__')", "pass",
           "__slots__ = ('n', '__dict__', '__weakref__')"]


class Plain:
    pass


class Slots:
    __slots__ = ("x", "y")


Named = collections.namedtuple("Named", "x y")


def suspended(x, y):
    kept = [y]
    yield x
    yield from (x, y, kept)


async def awaiting(x, y):
    await Once(x)
    return x, y


class Once:
    def __init__(self, x):
        self.x = x

    def __await__(self):
        yield self.x


def made(obj, **attributes):
    for name, value in attributes.items():
        setattr(obj, name, value)
    return obj


def began(iterator):
    next(iterator, None)
    return iterator


def closure(x, y):
    def inner(z=x, *, w=y):
        return x, y, z, w
    return inner


def cached(keys, value):
    @functools.lru_cache(maxsize=8)
    def function(key):
        return value

    for key in keys:
        function(key)
    return function


def context(x, y):
    one, other = contextvars.ContextVar("one"), contextvars.ContextVar("other", default=y)
    def fill():
        one.set(x)
        one.get()
        other.set(y)
        other.get()
    new = contextvars.Context()
    new.run(fill)
    return types.SimpleNamespace(context=new, one=one, other=other)


def pointers(items):
    objects = [item for item in items if not isinstance(item, (ctypes.py_object, ctypes.Array))]
    return (ctypes.py_object * len(objects))(*objects)


def raised(x, y):
    error = ValueError(x)
    error.__cause__ = KeyError(y)
    return error


def local(x):
    new = threading.local()
    new.x = x
    return new


# Some iterators use one tuple again for all results. Where a collection finds only atoms in it, what comes into it later may never be
# collected: so there is a list in each.
#
# name -> (makes an object of hashable and other things and instances; can it be a key itself)
KINDS = {
    "list": (lambda h, o, p: list(o), False),
    "tuple": (lambda h, o, p: tuple(h), True),
    "mixed tuple": (lambda h, o, p: tuple(o), False),
    "frozenset": (lambda h, o, p: frozenset(h), True),
    "set": (lambda h, o, p: set(h), False),
    "dict": (lambda h, o, p: dict(zip(h, o)), False),
    "names": (lambda h, o, p: {"n%d" % i: item for i, item in enumerate(o)}, False),
    "ordered": (lambda h, o, p: collections.OrderedDict(zip(h, o)), False),
    "default": (lambda h, o, p: collections.defaultdict(list, zip(h, o)), False),
    "counter": (lambda h, o, p: collections.Counter(h), False),
    "deque": (lambda h, o, p: collections.deque(o, 9), False),
    "plain": (lambda h, o, p: made(Plain(), x=o[0], y=o[-1]), False),
    "slots": (lambda h, o, p: made(Slots(), x=o[0], y=o[-1]), False),
    "named": (lambda h, o, p: Named(h[0], h[-1]), True),
    "namespace": (lambda h, o, p: types.SimpleNamespace(x=o[0], y=o[-1]), False),
    "proxy": (lambda h, o, p: types.MappingProxyType(dict(zip(h, o))), False),
    "method": (lambda h, o, p: p[0].method, True),
    "partial": (lambda h, o, p: functools.partial(p[0].method, *o, x=h[0]), False),
    "closure": (lambda h, o, p: closure(o[0], o[-1]), False),
    "generator": (lambda h, o, p: began(suspended(o[0], o[-1])), False),
    "unstarted": (lambda h, o, p: suspended(o[0], o[-1]), False),
    "coroutine": (lambda h, o, p: started(awaiting(o[0], o[-1])), False),
    "list iterator": (lambda h, o, p: began(iter(list(o))), False),
    "tuple iterator": (lambda h, o, p: began(iter(tuple(o))), False),
    "dict iterator": (lambda h, o, p: began(iter(dict.fromkeys(range(9), [o[0]]).items())), False),
    "deque iterator": (lambda h, o, p: began(iter(collections.deque(o))), False),
    "zip": (lambda h, o, p: began(zip(list(o), [[]] * len(o))), False),
    "chain": (lambda h, o, p: began(itertools.chain(list(o), tuple(h))), False),
    "cycle": (lambda h, o, p: itertools.islice(began(itertools.cycle(list(o))), 7), False),
    "repeat": (lambda h, o, p: itertools.repeat(o[0], 3), False),
    "tee": (lambda h, o, p: (lambda pair: (began(pair[0]), pair[1])[1])(itertools.tee(list(o))), False),
    "product": (lambda h, o, p: began(itertools.product(list(o), [[]], list(h))), False),
    "combinations": (lambda h, o, p: began(itertools.combinations([[item] for item in o], 2)), False),
    "groupby": (lambda h, o, p: (key for key, _ in itertools.groupby(list(h))), False),
    "enumerate": (lambda h, o, p: began(enumerate([[item] for item in o])), False),
    "reversed": (lambda h, o, p: began(reversed(list(o))), False),
    "slice": (lambda h, o, p: slice(o[0], o[-1]), False),
    "property": (lambda h, o, p: property(p[0].method), False),
    "alias": (lambda h, o, p: types.GenericAlias(list, tuple(h)), False),
    "error": (lambda h, o, p: raised(o[0], o[-1]), False),
    "reference": (lambda h, o, p: weakref.ref(p[0]), True),
    "called reference": (lambda h, o, p: weakref.ref(p[-1], closure(o[0], o[0])), True),
    "weak set": (lambda h, o, p: weakref.WeakSet(p), False),
    "weak keys": (lambda h, o, p: weakref.WeakKeyDictionary(zip(p, h)), False),
    "weak values": (lambda h, o, p: weakref.WeakValueDictionary(enumerate(p)), False),
    "cache": (lambda h, o, p: cached(h, o[0]), False),
    "context": (lambda h, o, p: context(o[0], o[-1]), False),
    "local": (lambda h, o, p: local(o[0]), False),
    "pointer": (lambda h, o, p: ctypes.py_object(p[0]), False),
    "pointers": (lambda h, o, p: pointers(o), False),
    "cell": (lambda h, o, p: types.CellType(o[0]), False),
    "class": (lambda h, o, p: type("Made", (), {"x": o[0], "y": o[-1]}), False),
    "view": (lambda h, o, p: dict(zip(h, o)).items(), False),
}


def started(coroutine):
    coroutine.send(None)
    return coroutine


def build(seed, m):
    """Instances and what refers to them."""
    rng = random.Random(seed)
    instances = [m.P(0), *(getattr(m, rng.choice("PPPHLD"))(i) for i in range(1, rng.randrange(2, 9)))]
    keys = [p for p in instances if isinstance(p, m.P)] + [1, "a", None]
    others, kept = [*keys, *instances], []
    for _ in range(rng.randrange(5, 40)):
        kind = rng.choice(list(KINDS))
        make, hashable = KINDS[kind]
        h = [rng.choice(keys) for _ in range(rng.randrange(1, 5))]
        if kind in ("tuple", "named"):  # as a key, it could not be found beside others again by any means
            h = [item for item in h if not isinstance(item, m.H)] or [1]
        o = [rng.choice(others) for _ in range(rng.randrange(1, 5))]
        p = [item for item in instances if isinstance(item, m.P)]
        rng.shuffle(p)
        obj = make(h, o, p)
        if hashable:
            keys.append(obj)
        if kind not in ("coroutine",):
            others.append(obj)
        kept.append((kind, obj))
        where = rng.choice(instances)
        if rng.random() < 0.3:
            where.a = obj
        if isinstance(where, list) and len(where) < 5:
            where.append(obj)
        if isinstance(where, dict) and hashable:
            where[obj] = rng.choice(others)
    return instances, kept


class Describe:
    """What can be told about a graph without identities. Takes iterators up: once for each graph."""

    def __init__(self, m):
        self.m, self.memo = m, {}

    def __call__(self, obj):
        if isinstance(obj, self.m.Common):
            return "%s%d" % (type(obj).__name__, obj.n)
        if obj is None or isinstance(obj, (int, str)):
            return repr(obj)
        known = self.memo.get(id(obj))
        if known is None:
            known = self.memo[id(obj)] = ["@%d" % len(self.memo), obj]
            known[0] = "%s(%s)" % (type(obj).__name__, self.parts(obj))
        return known[0]

    def all(self, items):
        return ", ".join(map(self, items))

    def table(self, obj):
        keys = list(obj)
        for key in keys:
            if key not in obj:
                raise AssertionError("key %s is not found in %s" % (self(key), type(obj).__name__))
        return keys

    def parts(self, obj):
        if isinstance(obj, (set, frozenset, weakref.WeakSet)):
            return ", ".join(sorted(map(self, self.table(obj))))
        if isinstance(obj, weakref.WeakKeyDictionary):
            return ", ".join(sorted(self(key) + self(obj[key]) for key in self.table(obj)))
        if isinstance(obj, (dict, types.MappingProxyType, weakref.WeakValueDictionary)):
            return ", ".join(self(key) + ": " + self(obj[key]) for key in self.table(obj))
        if isinstance(obj, (list, tuple, collections.deque, type({}.items()))):
            return self.all(obj)
        if isinstance(obj, (Plain, Slots)):
            return self.all((obj.x, obj.y))
        if isinstance(obj, types.SimpleNamespace):
            parts = vars(obj)
            if "context" in parts:
                return ", ".join([self(obj.context.run(obj.one.get)), self(obj.context.run(obj.other.get)), self(obj.other.get()),
                                  *sorted(map(self, obj.context.values()))])
            return self.all(parts.values())
        if isinstance(obj, types.MethodType):
            return self(obj.__self__)
        if isinstance(obj, functools.partial):
            return self.all((obj.func, *obj.args, *obj.keywords.values()))
        if isinstance(obj, types.FunctionType):
            return self.all(obj())
        if isinstance(obj, types.CoroutineType):
            try:
                obj.send(None)
            except StopIteration as end:
                return self.all(end.value)
            raise AssertionError("a coroutine went on")
        if isinstance(obj, weakref.ref):
            return self(obj())
        if isinstance(obj, slice):
            return self.all((obj.start, obj.stop))
        if isinstance(obj, property):
            return self(obj.fget)
        if isinstance(obj, types.GenericAlias):
            return self.all(obj.__args__)
        if isinstance(obj, BaseException):
            return self.all((*obj.args, obj.__cause__))
        if isinstance(obj, functools._lru_cache_wrapper):
            return "%s" % (obj.cache_info(),)
        if isinstance(obj, threading.local):
            return self(obj.x)
        if isinstance(obj, ctypes.py_object):
            return self(obj.value)
        if isinstance(obj, ctypes.Array):
            return self.all(obj[:])
        if isinstance(obj, types.CellType):
            return self(obj.cell_contents)
        if isinstance(obj, type):
            return self.all((obj.x, obj.y))
        return self.all(list(itertools.islice(obj, 50)))

    def graph(self, instances, kept):
        lines = [kind + " " + self(obj) for kind, obj in kept]
        for p in instances:
            inside = list(p) if isinstance(p, list) else [x for item in p.items() for x in item] if isinstance(p, dict) else []
            lines.append("%s %s %s" % (self(p), self(p.a), self.all(inside)))
        return lines


def write(path, layout, stamp):
    with open(path, "w") as f:
        f.write(CLASSES.replace("LAYOUT", layout))
    os.utime(path, (stamp, stamp))


def one_update(midflight, m, path, seeds, layout, stamp):
    before = {seed: build(seed, m) for seed in seeds}
    write(path, layout, stamp)
    report = midflight.update([path])
    if report.outcome != "committed":
        raise SystemExit("seed %d: %s" % (seeds[0], report))
    for seed in seeds:
        old = Describe(m).graph(*before.pop(seed))
        new = Describe(m).graph(*build(seed, m))
        for one, other in itertools.zip_longest(old, new):
            if one != other:
                raise SystemExit("seed %d differs:\n  %s\nbut when it is built now:\n  %s" % (seed, one, other))
    gc.collect()
    left = sum(isinstance(obj, m.Common) for obj in gc.get_objects())
    if left:
        raise SystemExit("seeds from %d: %d instances never went" % (seeds[0], left))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graphs", type=int, default=100000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--each", type=int, default=100, help="graphs per update")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "layouts_of_graphs.py")
        write(path, LAYOUTS[0], 1)
        sys.path.insert(0, folder)
        sys.dont_write_bytecode = True
        import midflight
        midflight.start(roots=[folder])
        import layouts_of_graphs as m
        for i, first in enumerate(range(options.seed, options.seed + options.graphs, options.each)):
            seeds = range(first, min(first + options.each, options.seed + options.graphs))
            one_update(midflight, m, path, seeds, LAYOUTS[(i + 1) % len(LAYOUTS)], i + 2)
    print("%d graphs, no difference" % options.graphs)


if __name__ == "__main__":
    main()
