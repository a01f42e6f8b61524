class Column:
    def __init__(self, typ): self.typ = typ
class Meta(type):
    tables = {}
    def __new__(mcls, name, bases, ns, **kw):
        cols = {k: v for k, v in ns.items() if isinstance(v, Column)}
        cls = super().__new__(mcls, name, bases, ns)
        cls._cols = cols
        cls._table = kw.get('table', name.lower())
        if bases: mcls.tables[cls._table] = cls
        return cls
    def __init__(cls, name, bases, ns, **kw): super().__init__(name, bases, ns)
    def describe(cls): return f'{cls._table}({", ".join(f"{k} {c.typ}" for k, c in cls._cols.items())})'
class Base(metaclass=Meta): pass
