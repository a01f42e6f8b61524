"""fingerprint.py -- what a program is at one moment, so that an update which did not commit can be seen to have changed nothing.

In: the folder of the program. Out: one line per name, item and part; two of them can be compared. Reads only, through builtin types.
"""
import contextlib
import os
import sys
import types


class Fingerprint:
    """What the modules under src hold: identity of functions, classes and code, contents of plain data and instances.
    Keeps everything it has seen alive, so that an address means one object."""

    def __init__(self, src):
        self.keep, self.lines, self.seen = [], {}, set()
        for name, module in sorted(sys.modules.items()):
            path = getattr(module, "__file__", None)
            if isinstance(path, str) and path.startswith(src + os.sep) and name != "drive":
                self.lines["sys.modules " + name] = self.tag(module)
                self.namespace(name, vars(module))

    def tag(self, value):
        self.keep.append(value)
        return "%s at %#x" % (type(value).__name__, id(value))

    def namespace(self, where, names):
        for name, value in list(names.items()):
            if name not in ("__builtins__", "__warningregistry__", "__annotate_func__", "__annotations_cache__"):
                self.value("%s.%s" % (where, name), value)

    def value(self, where, value, depth=0):
        self.keep.append(value)
        if type(value) in (int, bool, float, complex, str, bytes, type(None)):
            self.lines[where] = "%s %.300r" % (type(value).__name__, value)
            return
        self.lines[where] = self.tag(value)
        if type(value).__module__ == "logging" and type(value).__name__ == "Manager":
            return              # of all loggers: midflight's own comes with the first report
        if id(value) in self.seen or depth > 8 or isinstance(value, types.ModuleType):
            return
        self.seen.add(id(value))
        if type(value) in (list, tuple):
            self.lines[where] += " of %d" % len(value)
            for i, item in enumerate(value[:200]):
                self.value("%s[%d]" % (where, i), item, depth + 1)
        elif type(value) is dict:
            self.lines[where] += " of %s" % [self.key(k) for k in value]
            for key, item in list(value.items())[:200]:
                self.value("%s[%s]" % (where, self.key(key)), item, depth + 1)
        elif type(value) in (set, frozenset):
            self.lines[where] += " of %s" % sorted(self.key(k) for k in value)
        elif isinstance(value, types.FunctionType):
            self.function(where, value, depth)
        elif isinstance(value, (staticmethod, classmethod)):
            self.value(where + ".__func__", value.__func__, depth + 1)
        elif isinstance(value, property):
            for part in ("fget", "fset", "fdel"):
                self.value("%s.%s" % (where, part), getattr(value, part), depth + 1)
        elif isinstance(value, type):
            if getattr(sys.modules.get(value.__module__), "__file__", None) is not None:
                self.value(where + ".__bases__", value.__bases__, depth + 1)
                for name, item in vars(value).items():
                    if name not in ("__weakref__", "__dict__", "_abc_impl", "__annotate_func__", "__annotations_cache__"):
                        self.value("%s.%s" % (where, name), item, depth + 1)
        elif type(getattr(value, "__dict__", None)) is dict:
            self.value(where + ".__dict__", value.__dict__, depth + 1)

    def key(self, key):
        return repr(key) if isinstance(key, (int, float, str, bytes, tuple, type(None))) else self.tag(key)

    def function(self, where, function, depth):
        code = function.__code__
        self.lines[where + ".__code__"] = "%s line %d" % (self.tag(code), code.co_firstlineno)
        for part in ("__defaults__", "__kwdefaults__", "__dict__"):
            self.value("%s.%s" % (where, part), getattr(function, part), depth + 1)
        for name, cell in zip(code.co_freevars, function.__closure__ or ()):
            with contextlib.suppress(ValueError):
                self.value("%s<%s>" % (where, name), cell.cell_contents, depth + 1)

    def differences(self, other):
        keys = [k for k in {**self.lines, **other.lines} if self.lines.get(k) != other.lines.get(k)]
        return ["%s: %s -> %s" % (k, self.lines.get(k), other.lines.get(k)) for k in keys[:12]]
