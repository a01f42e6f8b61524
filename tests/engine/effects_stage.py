"""effects_stage.py -- small namespaces that play a live module and its staged copy, for the tests of the effects room."""
import collections
import types

from midflight import _testengine as t


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
