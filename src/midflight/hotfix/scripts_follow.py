"""Who follows a definition or a value that a hotfix script replaces, and who cannot.

Owns: where a definition is at home, who holds it, who runs it, and which importers have taken a value over. In: live
objects. Out: answers for the plan and the commit. Changes nothing.
"""

import ast
import functools
import gc
import operator
import sys
import types

from .. import api
from .scripts_reach import instance_dict

_CACHE = type(functools.lru_cache(None)(lambda: None))
_PLAIN = (int, float, complex, str, bytes, bool, type(None))
_NO_INSTANCES = (type, types.ModuleType, types.FunctionType)
_SPACE = 6
_SUSPENDED = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)


def is_home(live, module, qualname):
    """Is this name where the definition lives? It is not if the definition is found under its own name elsewhere."""
    if live.__module__ == module and live.__qualname__ == qualname:
        return True
    return _resolved(live) is not live


def home_of(live):
    return f"{live.__module__}.{live.__qualname__}"


def _resolved(live):
    found = sys.modules.get(live.__module__)
    for part in live.__qualname__.split("."):
        space = getattr(found, "__dict__", None)
        found = space.get(part) if space is not None else None
    if type(found) in (staticmethod, classmethod):
        found = found.__func__
    return found.__wrapped__ if type(found) is _CACHE else found


def other_shape(live, made):
    """Why the new class's contents cannot go into the live one; "" if they can."""
    if type(live) is not type(made):
        return "of another metaclass"
    if [base.__qualname__ for base in live.__bases__] != [base.__qualname__ for base in made.__bases__]:
        return "with other bases"
    if any(old is not new and old.__module__ != new.__module__ and not new.__module__.startswith("hotfix_")
           for old, new in zip(live.__bases__, made.__bases__)):
        return "with other bases"
    shape = [(cls.__basicsize__, cls.__itemsize__, cls.__dictoffset__, cls.__weakrefoffset__, _slots(cls)) for cls in (live, made)]
    if shape[0] != shape[1]:
        return "whose instances have another layout (__slots__)"
    return ""


def _slots(cls):
    return sorted(name for name, value in vars(cls).items() if type(value) is types.MemberDescriptorType)


def label(holder):
    """Where a container is found by name: "config.RATES", "an attribute of server.world", or None."""
    for module_name in api.running():
        for name, value in list(vars(sys.modules[module_name]).items()):
            if value is holder and not name.startswith("__"):
                return f"{module_name}.{name}"
            if type(holder) is dict and not issubclass(type(value), _NO_INSTANCES) and instance_dict(value) is holder:
                return f"{module_name}.{name}"
    return None


def shown(value):
    """A value for people, without a line of the program's code."""
    if type(value) in _PLAIN:
        text = repr(value)
        return text if len(text) <= 40 else text[:37] + "..."
    if isinstance(value, (types.FunctionType, type)):
        return value.__qualname__
    return f"a {type(value).__name__}"


def items(before, after):
    """What came and went, of a list, a set, a deque or a cell."""
    old, new = {id(item) for item in before}, {id(item) for item in after}
    texts = ["+" + shown(item) for item in after if id(item) not in old] + ["-" + shown(item) for item in before if id(item) not in new]
    return ", ".join(texts[:6]) + (f" and {len(texts) - 6} more" if len(texts) > 6 else "") if texts else "another order"


def look(lives, own):
    """One walk: {id: references}, the caches in front of live functions, report entries of who runs old code."""
    lives = list(lives)
    codes = {id(live.__code__): live for live in lives if isinstance(live, types.FunctionType)}
    wanted = {id(live) for live in lives}
    holders, caches, running = {}, [], []
    if not lives:
        return holders, caches, running
    targets = lives + [live.__code__ for live in lives if isinstance(live, types.FunctionType)]
    skip = own | {id(lives), id(targets), id(codes)}
    for holder in gc.get_referrers(*targets):
        if id(holder) in skip or type(holder) is types.FrameType or _is_call(holder, targets):
            continue
        if type(holder) is _CACHE:
            caches.append(holder)
        if type(holder) in _SUSPENDED:
            code = _code_of(holder)
            if id(code) in codes and codes[id(code)] is not holder:
                running.append(_straggler(code, type(holder).__name__, code.co_firstlineno))
            continue
        for part in gc.get_referents(holder):
            if id(part) in wanted:
                holders[id(part)] = holders.get(id(part), 0) + 1
    me = sys._getframe()
    for frame in sys._current_frames().values():
        while frame is not None and frame is not me:
            if id(frame.f_code) in codes:
                running.append(_straggler(frame.f_code, "call", frame.f_lineno))
            frame = frame.f_back
    return holders, caches, running


def _is_call(holder, targets):
    """The tuple of arguments with which the collector is asked."""
    return type(holder) is tuple and len(holder) == len(targets) and all(map(operator.is_, holder, targets))


def _code_of(holder):
    for name in ("gi_code", "cr_code", "ag_code"):
        code = getattr(holder, name, None)
        if code is not None:
            return code
    return None


def _straggler(code, kind, line):
    return (501, "=", None, code.co_qualname, code.co_filename, line or 0, f"{code.co_qualname} still runs its old code: 1 {kind}")


def importers(changes, owner_of, entries, homes):
    """`from m import NAME` follows when a script gives NAME another value. Definitions do by themselves."""
    parts = []
    for change in changes:
        owner = owner_of(change) if change[0] == _SPACE else None
        if owner is None or owner[1]:
            continue
        old, new = dict(zip(change[3][::2], change[3][1::2])), dict(zip(change[4][::2], change[4][1::2]))
        for name in old.keys() & new.keys():
            if not isinstance(old[name], (types.FunctionType, type)) and id(new[name]) not in homes:
                parts += _bindings(owner[0], name, old[name], new[name], changes, entries)
    return parts


def _bindings(module, name, old, new, changes, entries):
    written = {(id(change[1]), key) for change in changes if change[0] == _SPACE for key in change[4][::2]}
    for importer, (path, text) in api.running().items():
        if text is None or name.encode() not in text or importer == module:
            continue
        space = vars(sys.modules[importer])
        for bound in _bound_names(text, importer, space, module, name):
            if space.get(bound) is old and (id(space), bound) not in written:
                entries.append((104, "~", importer, bound, path, 0, f"{bound} {shown(old)} -> {shown(new)}"))
                yield _SPACE, space, (bound, old), (bound, new), None, None


def _bound_names(text, importer, space, module, name):
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    package = importer if "__path__" in space else importer.rpartition(".")[0]
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            parts = package.split(".")[:len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*parts, *([node.module] if node.module else [])])
            for alias in node.names:
                if source == module and alias.name in (name, "*"):
                    yield alias.asname or name
