LOG = []


class Meta(type):
    def __new__(mcs, name, bases, ns, **kw):
        LOG.append(('new', name)); return super().__new__(mcs, name, bases, ns)
    def __init__(cls, *a, **k): LOG.append(('init', cls.__name__)); super().__init__(*a)
    def __setattr__(cls, k, v): raise RuntimeError('setattr ' + k)
    def __call__(cls, *a): return super().__call__(*a)
    def __getattribute__(cls, k):
        return super().__getattribute__(k)
    def mro(cls): return super().mro()
    def __init_subclass__(mcs, **k): LOG.append('meta init_subclass')
    def __hash__(cls): raise RuntimeError('hash')
    def __eq__(cls, o): raise RuntimeError('eq')
    def __instancecheck__(cls, o): raise RuntimeError('ic')
    def __subclasscheck__(cls, o): raise RuntimeError('sc')
    def __prepare__(name, bases, **k): LOG.append(('prepare', name)); return {}


class P(metaclass=Meta):
    __slots__ = ('x',)


class Q(P):
    pass
