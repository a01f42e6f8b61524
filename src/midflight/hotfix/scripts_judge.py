"""The differences that a hotfix script leaves, judged: which definitions it replaces, what else it writes.

Owns: pairs of live and new definitions, and the parts of the commit. In: the engine's list of changes, each
[kind, holder, name, before, after, hashes before, hashes after]. Out: pairs; then parts, report entries and the plan.
Keeps no reference to anything that the script has made: the engine turns such references between the two calls.
"""

import functools
import sys
import types

from . import scripts_follow as follow

LIST, DEQUE, CELL, STATE, SET, DICT, SPACE, SLOTS, CLASS = range(9)       # enum mf_effect_kind
_VERBS = {103: "redefine", 104: "set", 105: "add", 106: "remove", 501: "straggler:"}
_PLAIN = (int, float, complex, str, bytes, bool, type(None))
_WRAPPERS = (staticmethod, classmethod)
_CACHE = type(functools.lru_cache(None)(lambda: None))
_OWN = frozenset(("__dict__", "__weakref__", "__module__", "__qualname__", "__name__", "_abc_impl", "__firstlineno__",
                  "__static_attributes__", "__annotate_func__", "__annotations_cache__", "__slots__"))
_DEFINITIONS = (types.FunctionType, staticmethod, classmethod, property)


class Judge:
    """One script's changes. `pairs` is called first, then, when the engine has turned references, `settle`."""

    def __init__(self, fix, file, module, before, plans):
        self.fix, self.file, self.module, self.before, self.plans = fix, file, module, before, plans
        self.homes = {}                 # id of a new definition -> id of the live one
        self.names = {}                 # id of a live one -> (module, qualified name)
        self.classes = set()            # ids of live classes that are replaced
        self.reasons = []
        self.copies = {}                # (id of holder, name) -> where the definition is at home that the name had

    # ---- pairs ------------------------------------------------------------------------------

    def pairs(self, changes):
        changes[:] = [change for change in map(_reduced, changes) if change is not None]
        found = []
        for change in changes:
            owner = self._owner(change)
            if owner is not None:
                for name, old, new in _differing(change):
                    if old is not None and new is not None:
                        self._pair(found, *owner, change, name, old, new)
        return found

    def _owner(self, change):
        """(module, qualified name or "") of a module's or class's namespace, else None."""
        kind, holder = change[:2]
        if kind == CLASS:
            return holder.__module__, holder.__qualname__
        if kind == SPACE and "__name__" in holder:
            module = sys.modules.get(holder["__name__"])
            if module is not None and vars(module) is holder:
                return holder["__name__"], ""
        return None

    def _pair(self, found, module, owner, change, name, old, new):
        qualname = f"{owner}.{name}" if owner else name
        live, made = _inner(old), _inner(new)
        if isinstance(live, type) and isinstance(made, type):
            if live is not made and follow.is_home(live, module, qualname) and live not in made.__mro__:
                self._pair_classes(found, module, qualname, live, made)
            return
        if not isinstance(live, types.FunctionType) or live is made or not callable(made):
            return
        if not follow.is_home(live, module, qualname):
            self.copies[id(change[1]), name] = follow.home_of(live)
            return
        self._pair_functions(found, module, qualname, live, made)

    def _pair_functions(self, found, module, qualname, live, made):
        if id(live) in self.names:
            return                      # replaced under two names: the first one is its home
        given = made
        if not isinstance(made, types.FunctionType):
            made = _forwarder(made, live)
        elif made.__globals__ is not vars(self.module) or id(made) in self.homes:
            made = _copy(made)          # somebody else's, or in two places
        made.__module__, made.__name__, made.__qualname__ = live.__module__, live.__name__, live.__qualname__
        for name, value in live.__dict__.items():
            if name != "__wrapped__":
                made.__dict__.setdefault(name, value)
        if isinstance(given, types.FunctionType):
            self.homes.setdefault(id(given), id(live))
        self.homes[id(made)] = id(live)
        self.names[id(live)] = (module, qualname)
        found.append((live, made))

    def _pair_classes(self, found, module, qualname, live, made):
        trouble = follow.other_shape(live, made)
        if trouble:
            self.reasons.append((606, "=", module, qualname, self.file, 0,
                                 f"{module}.{qualname} is replaced by a class {trouble}: send that as a patch"))
            return
        self.homes[id(made)] = id(live)
        self.names[id(live)] = (module, qualname)
        self.classes.add(id(live))
        found.append((live, made))
        old, new = dict(vars(live)), dict(vars(made))
        for name in old.keys() & new.keys() - _OWN:
            if old[name] is not new[name]:
                inner, other = _inner(old[name]), _inner(new[name])
                if isinstance(inner, types.FunctionType) and isinstance(other, types.FunctionType):
                    self._pair_functions(found, module, f"{qualname}.{name}", inner, other)

    # ---- parts ------------------------------------------------------------------------------

    def settle(self, changes, swaps):
        self.live = {id(live): live for live, _ in swaps}
        entries, parts, plan = list(self.reasons), [], []
        self._classes_alive(changes)
        for change in changes:
            part = self._part(change, entries)
            if part is not None:
                parts.append(part)
        parts += self._class_parts(changes)
        parts += follow.importers(changes, self._owner, entries, self.homes)
        if parts or swaps:
            parts.append((SPACE, sys.modules, () if self.before is None else (self.module.__name__, self.before),
                          (self.module.__name__, self.module), None, None))
        holders, caches, running = follow.look(self.live.values(), self._own(changes, swaps))
        fixes, total = [], 0
        for live, made in swaps:
            module, qualname = self.names[id(live)]
            code = made.__code__
            entries.append((102, "~", module, qualname, self.file, code.co_firstlineno, qualname))
            fixes.append((live, made, self.fix.id, f"{module}.{qualname}"))
            count = max(0, holders.get(id(live), 0) - 1)
            total += count
            plan.append(f"redefine {module}.{qualname} in place: {count} other reference{'s follow' if count != 1 else ' follows'}")
        entries += running
        plan += [f"{_VERBS[code]} {where + '.' if where else ''}{text}" for code, _, where, _, _, _, text in entries if code in _VERBS]
        judged = {"fixes": fixes, "parts": parts, "entries": entries, "caches": caches}
        if self.plans:
            judged.update(plan=plan, foreseen=(total, 0, 0.01 + 0.004 * (len(fixes) + len(parts))))
        return judged

    def _own(self, changes, swaps):
        """Ids of what holds live definitions for our sake only."""
        own = {id(changes), id(swaps), id(vars(self.module)), id(self.live)}
        own.update(id(pair) for pair in swaps)
        for change in changes:
            own.update((id(change), id(change[3]), id(change[4])))
        return own

    def _classes_alive(self, changes):
        for change in changes:
            for _, old, _ in _differing(change) if change[0] >= DICT else ():
                if id(old) in self.classes:
                    self.live[id(old)] = old

    def _home(self, value):
        """What a value that the script wrote is when the new definitions are the live ones."""
        live = self.live.get(self.homes.get(id(value)))
        if live is not None:
            return live
        if type(value) in _WRAPPERS and id(value.__func__) in self.homes:
            return type(value)(self.live[self.homes[id(value.__func__)]])
        return value

    def _part(self, change, entries):
        kind, holder, name, before, after, old_hashes, new_hashes = change
        if kind < DICT:
            after = tuple(map(self._home, after))
            name = follow.label(holder) or name or f"a {type(holder).__name__}"
            entries.append((104, "~", None, name, self.file, 0, f"{name}: {follow.items(before, after)}"))
            return kind, holder, before, after, old_hashes, new_hashes
        after = tuple(self._home(value) if at % 2 else value for at, value in enumerate(after))
        old, new = _items(before), _items(after)
        for key, value in list(new.items()):
            there = old.get(key)
            if there is not None and _same_wrapper(there[1], value[1]):
                new[key] = there
        differing = [key for key in {**old, **new} if key not in old or key not in new or old[key][1] is not new[key][1]]
        if not differing:
            return None
        for key in differing:
            entries.append(self._entry(change, (old.get(key) or new[key])[0], old.get(key), new.get(key)))
        if new_hashes is not None:
            return kind, holder, before, after, old_hashes, new_hashes
        return (kind, holder, tuple(part for key in differing if key in old for part in old[key]),
                tuple(part for key in differing if key in new for part in new[key]), None, None)

    def _entry(self, change, key, old, new):
        owner = self._owner(change)
        module, inner = owner or (None, change[2])
        name = str(key) if type(key) in _PLAIN else type(key).__name__
        if owner is None:
            inner = follow.label(change[1]) or inner or f"a {type(change[1]).__name__}"
            name = f"{inner}[{follow.shown(key)}]" if change[0] == DICT else f"{inner}.{name}"
        elif inner:
            name = f"{inner}.{name}"
        copy = self.copies.get((id(change[1]), key))
        if old is None or new is None:
            return (105, "+", module, name, self.file, 0, name) if old is None else (106, "-", module, name, self.file, 0, name)
        text = f"{name} {follow.shown(old[1])} -> {follow.shown(new[1])}"
        return (104, "~", module, name, self.file, 0, f"{text} (it was a copy of {copy}, which stays)" if copy else text)

    def _class_parts(self, changes):
        """What the body of a replacing class gives the live one."""
        made = {}
        for change in changes:
            for _, _, new in _differing(change) if change[0] >= DICT else ():
                if self.homes.get(id(new)) in self.classes:
                    made[self.homes[id(new)]] = new
        for live_id, new_class in made.items():
            live = self.live[live_id]
            old, new = dict(vars(live)), dict(vars(new_class))
            before, after = [], []
            for name in {**old, **new}.keys() - _OWN:
                value = self._home(new[name]) if name in new else None
                if name in old and name in new and (old[name] is value or _same_wrapper(old[name], value)
                                                    or type(value) is types.MemberDescriptorType):
                    continue
                if name not in new and type(old[name]) not in _DEFINITIONS:
                    continue                # data that the running program may have put there
                before += (name, old[name]) if name in old else ()
                after += (name, value) if name in new else ()
            if before or after:
                yield CLASS, live, tuple(before), tuple(after), None, None


def _items(flat):
    """{id of the key, or the key itself where that is plain: (key, value)}"""
    return {(key if type(key) in _PLAIN else id(key)): (key, value) for key, value in zip(flat[::2], flat[1::2])}


def _differing(change):
    """(key, old or None, new or None) of what has keys."""
    if change[0] < DICT:
        return []
    old, new = _items(change[3]), _items(change[4])
    keys = [key for key in {**old, **new} if key not in old or key not in new or old[key][1] is not new[key][1]]
    return [((old.get(key) or new[key])[0], old[key][1] if key in old else None, new[key][1] if key in new else None)
            for key in keys]


def _reduced(change):
    """Only what differs, where keys can be looked up; None: nothing of the script's."""
    kind, holder, name, before, after, _, new_hashes = change
    if holder is sys.modules or holder is sys.path_importer_cache:
        return None
    if kind < DICT:
        return change
    if kind == SPACE:
        own = holder.get("__name__")
        after = tuple(part for key, value in zip(after[::2], after[1::2])
                      if not _is_submodule(own, key, value) for part in (key, value))
    old, new = _items(before), _items(after)
    plain = all(type(pair[0]) in _PLAIN for pair in (*old.values(), *new.values()))
    keys = [key for key in {**old, **new} if key not in old or key not in new or old[key][1] is not new[key][1]]
    gone = any(key not in new for key in keys)
    if kind == DICT and (gone or not plain):
        change[3:5] = before, after           # as a whole, in its order
        return change if keys else None
    change[3] = tuple(part for key in keys if key in old for part in old[key])
    change[4] = tuple(part for key in keys if key in new for part in new[key])
    change[5] = change[6] = None
    return change if keys else None


def _is_submodule(own, key, value):
    return isinstance(own, str) and type(key) is str and sys.modules.get(f"{own}.{key}") is value and value is not None


def _inner(value):
    """The function of a staticmethod, a classmethod or a cache; else the value itself."""
    if type(value) in _WRAPPERS:
        return value.__func__
    return value.__wrapped__ if type(value) is _CACHE else value


def _same_wrapper(old, new):
    """Two wrappers of one kind around one function: the live one stays."""
    return type(old) is type(new) and type(old) in (*_WRAPPERS, _CACHE) and _inner(old) is _inner(new)


def _forwarder(target, live):
    """A function that calls what is no function: the contents of a live function that gives way to it."""

    @functools.wraps(live)
    def forward(*args, **kwargs):
        return target(*args, **kwargs)

    forward.__wrapped__ = target
    return forward


def _copy(function):
    made = types.FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__)
    made.__kwdefaults__ = function.__kwdefaults__ and dict(function.__kwdefaults__)
    made.__dict__.update(function.__dict__)
    made.__doc__ = function.__doc__
    made.__annotations__ = dict(function.__annotations__)
    return made
