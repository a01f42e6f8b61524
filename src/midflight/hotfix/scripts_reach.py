"""What a hotfix script can write to, found by the names in it.

Owns: the search that says which objects the engine has to copy before a statement runs. In: the script's tree and
namespace. Out: modules, classes, instances and containers. Runs nothing of the program: no attribute is asked for but
through dicts and slots.
"""

import ast
import sys
import types

_ATOMS = (int, float, complex, str, bytes, bool, type(None), type(...), types.CodeType, range)
_DESCRIPTORS = (staticmethod, classmethod)
_MOST = 20000          # objects looked at before one statement
_SMALL = 64            # items of a container that are all followed
_DEPTH = 4             # containers in containers
_HEAP = 1 << 9         # Py_TPFLAGS_HEAPTYPE
_FLAGS = type.__dict__["__flags__"].__get__


def names_of(tree):
    """Every identifier and every string of the script that could be a name or a key."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.add(node.value)
        elif isinstance(node, ast.alias):
            names.update(node.name.split("."))
            names.add(node.asname)
        elif isinstance(node, ast.keyword):
            names.add(node.arg)
    names.discard(None)
    return names


def imported(tree):
    """Names of the modules that the script imports anywhere, or that a string of it names."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found


class Reach:
    """Asked before every statement."""

    def __init__(self, space, names, modules):
        self.space, self.names, self.modules = space, names, modules

    def objects(self, _step):
        found = {}                                    # id -> object: nothing of the program is compared or hashed
        queue = [(sys.modules[name], 0) for name in self.modules if type(sys.modules.get(name)) is not type(None)]
        queue += [(value, 0) for name, value in list(self.space.items()) if name != "__builtins__"]
        while queue and len(found) < _MOST:
            obj, depth = queue.pop()
            kind = type(obj)
            if kind in _ATOMS or id(obj) in found or obj is self.space or obj is sys.modules:
                continue
            if issubclass(kind, type) and not _FLAGS(obj) & _HEAP:
                continue                              # nobody can write to it
            found[id(obj)] = obj
            queue += [(value, at) for value, at in self._parts(obj, kind, depth) if type(value) not in _ATOMS]
        return list(found.values())

    def _parts(self, obj, kind, depth):
        if issubclass(kind, types.ModuleType):
            return [(value, 0) for value in self._named(vars(obj))]
        if issubclass(kind, type):
            bases = [base for base in type.__dict__["__mro__"].__get__(obj) if _FLAGS(base) & _HEAP]
            return [(base, 0) for base in bases] + [(value, 0) for base in bases for value in self._named(_class_dict(base))]
        if issubclass(kind, dict):
            items = list(dict.items(obj)) if dict.__len__(obj) <= _SMALL else [
                (key, dict.get(obj, key)) for key in self.names if dict.__contains__(obj, key)]
            parts = [(value, depth + 1) for _, value in items] if depth < _DEPTH else []
            return parts + self._attributes(obj, kind)
        if issubclass(kind, (list, tuple, set, frozenset)):
            small = len(gc_free(obj, kind)) <= _SMALL
            parts = [(value, depth + 1) for value in gc_free(obj, kind)] if small and depth < _DEPTH else []
            return parts + self._attributes(obj, kind)
        if kind is types.FunctionType:
            cells = obj.__closure__ or ()
            return [(cell, 0) for cell in cells] + [(value, 0) for value in self._named(obj.__dict__)]
        if kind is types.CellType:
            return [(value, 0) for value in _cell(obj)]
        if kind is types.MethodType:
            return [(obj.__self__, 0), (obj.__func__, 0)]
        if kind in _DESCRIPTORS:
            return [(obj.__func__, 0)]
        if kind is property:
            return [(part, 0) for part in (obj.fget, obj.fset, obj.fdel)]
        return self._attributes(obj, kind)

    def _attributes(self, obj, kind):
        parts = [(kind, 0)]
        own = instance_dict(obj)
        if own is not None:
            parts += [(value, 0) for value in self._named(own)]
        for base in kind.__mro__:
            slots = _class_dict(base)
            for name in self.names:
                slot = slots.get(name)
                if type(slot) is types.MemberDescriptorType:
                    try:
                        parts.append((slot.__get__(obj), 0))
                    except AttributeError:
                        continue                      # a slot that is not set
        return parts

    def _named(self, space):
        return [value for value in map(space.get, self.names) if value is not None]


def _class_dict(cls):
    return type.__dict__["__dict__"].__get__(cls)


def instance_dict(obj):
    """The dict of an instance, or None. Not asked for by name: a proxy answers that with code of its own."""
    for base in type(obj).__mro__:
        own = _class_dict(base).get("__dict__")
        if own is not None:
            return own.__get__(obj) if type(own) is types.GetSetDescriptorType else None
    return None


def _cell(cell):
    try:
        return [cell.cell_contents]
    except ValueError:
        return []


def gc_free(obj, kind):
    """The items of a plain container or of a subclass of one, by the base type's own iteration."""
    base = next(base for base in (list, tuple, set, frozenset) if issubclass(kind, base))
    return list(base.__iter__(obj))
