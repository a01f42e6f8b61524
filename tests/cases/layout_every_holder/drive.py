import collections
import contextlib
import ctypes
import functools
import heapq
import itertools
import operator
import queue
import threading
import types
from types import SimpleNamespace as S


def gen(p):
    q = [p]
    yield p
    for z in (p, p): yield z


async def co(p):
    await fut()
    return p


@types.coroutine
def fut(): yield 1


def clos(p): return lambda: p


def deflt(p):
    def f(a=p, *, b=p): return a, b
    return f


def setup():
    import m
    p = m.P(1)
    s = S(m=m)
    s.p = p
    s.dq = collections.deque([p, p], 5)
    s.dq.rotate(1)
    s.od = collections.OrderedDict(a=p); s.dd = collections.defaultdict(list, {1: p}); s.cm = collections.ChainMap({'a': p}, {'b': p})
    s.ud = collections.UserDict(a=p)
    s.chain = itertools.chain([p], [p])
    next(s.chain)
    s.rep = itertools.repeat(p)
    s.cyc = itertools.cycle([p, p])
    next(s.cyc)
    next(s.cyc)
    next(s.cyc)
    s.tee = itertools.tee([p, p, p, p])
    next(s.tee[0])
    next(s.tee[0])
    s.prod = itertools.product([p], [p, p])
    next(s.prod)
    s.perm = itertools.permutations([p, 2])
    next(s.perm)
    s.comb = itertools.combinations([p, 2, 3], 2)
    next(s.comb)
    s.grp = itertools.groupby([p, p, 1])
    s.g1 = next(s.grp)
    s.acc = itertools.accumulate([p, p], lambda a, b: a)
    next(s.acc)
    s.zip = zip([p], [p])
    s.enu = enumerate([p])
    s.mp = map(clos(p), [p])
    s.fl = filter(None, [p])
    s.isl = itertools.islice([p, p], 1)
    s.zl = itertools.zip_longest([p], [], fillvalue=p)
    s.pw = itertools.pairwise([p, p, p])
    next(s.pw)
    s.it = iter([p]); s.rit = reversed([p]); s.tit = iter((p,)); s.dit = iter({'a': p}.values()); s.ditem = iter({'a': p}.items()); s.sit = iter({p}); s.qit = iter(s.dq)
    s.heap = [m.P(i) for i in range(5)]
    heapq.heapify(s.heap)
    s.cy = ctypes.py_object(p)
    s.carr = (ctypes.py_object * 3)(p, p, p)
    class St(ctypes.Structure): _fields_ = [('o', ctypes.py_object), ('n', ctypes.c_int)]
    s.cst = St(p, 3)
    s.part = functools.partial(p, p, k=p)
    s.pm = functools.partialmethod(p.meth)
    s.clos = clos(p)
    s.de = deflt(p)
    s.bm = p.meth
    s.bmi = p.__init__
    s.mw = p.__str__
    s.gen = gen(p)
    next(s.gen)
    next(s.gen)
    s.co = co(p)
    s.co.send(None)
    s.ns = types.SimpleNamespace(p=p); s.mpx = types.MappingProxyType({'p': p})
    s.mod = types.ModuleType('mm'); s.mod.p = p
    s.tl = threading.local()
    s.tl.p = p
    s.q = queue.Queue()
    s.q.put(p)
    s.prop = property(p.meth)
    s.sm = staticmethod(p.meth)
    s.cl = classmethod(p)
    s.sl = slice(p, p); s.exc = ValueError(p); s.exc.__cause__ = KeyError(p); s.exc.add_note('x')
    s.og = operator.methodcaller('meth', p); s.ig = operator.itemgetter(p)
    s.ex = contextlib.ExitStack()
    s.ex.callback(p)
    s.cell = types.CellType(p)
    s.ga = types.GenericAlias(list, (p,))
    class K: a = p
    s.K = K; s.Kt = type('Kt', (), {'b': p})
    s.nt = collections.namedtuple('NT', 'a b')(p, p)
    s.it2 = iter(p, 3)
    s.fmt = types.MethodType(p, p)
    s.vals = {'a': p}.values(); s.ks = {p: 1}.keys()
    s.mem = {id: [p]}
    return s


def check(s):
    p = s.p
    assert p.y == 1 and type(p) is s.m.P
    assert list(s.dq) == [p, p]
    assert s.od['a'] is p
    assert s.dd[1] is p
    assert s.cm['a'] is p
    assert s.cm['b'] is p
    assert s.ud['a'] is p
    assert next(s.chain) is p
    assert next(s.rep) is p
    assert next(s.cyc) is p
    assert next(s.tee[0]) is p and [next(s.tee[1]) for i in range(4)] == [p] * 4
    assert next(s.prod) == (p, p)
    assert next(s.perm) == (2, p)
    assert next(s.comb) == (p, 3)
    assert list(s.g1[1]) == [p, p] if False else s.g1[0] is p
    assert next(s.acc) is p
    assert next(s.zip) == (p, p)
    assert next(s.enu) == (0, p)
    assert next(s.isl) is p
    assert next(s.zl) == (p, p)
    assert next(s.pw) == (p, p)
    assert next(s.it) is p
    assert next(s.rit) is p
    assert next(s.tit) is p
    assert next(s.dit) is p
    assert next(s.ditem) == ('a', p)
    assert next(s.sit) is p
    assert next(s.qit) is p
    assert all(h.y == 1 for h in s.heap)
    assert s.cy.value is p and list(s.carr) == [p, p, p]
    assert s.cst.o is p
    assert s.part.func is p
    assert s.part.args == (p,)
    assert s.part.keywords == {'k': p}
    assert s.clos() is p
    assert s.de() == (p, p)
    assert s.bm() is p
    assert s.bmi.__self__ is p
    assert s.mw.__self__ is p
    assert next(s.gen) is p
    try: s.co.send(None)
    except StopIteration as e: assert e.value is p
    assert s.ns.p is p
    assert s.mpx['p'] is p
    assert s.mod.p is p
    assert s.tl.p is p
    assert s.q.get() is p
    assert s.prop.fget() is p
    assert s.sm() is p
    assert s.sl.start is p
    assert s.exc.args[0] is p
    assert s.exc.__cause__.args[0] is p
    assert s.K.a is p
    assert s.Kt.b is p
    assert s.nt == (p, p)
    assert s.cell.cell_contents is p
    assert s.ga.__args__ == (p,)
    assert list(s.vals) == [p] and list(s.ks) == [p] and p in s.ks
    s.ex.close()
