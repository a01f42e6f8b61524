"""What importlib.reload promises, kept by an update.

Owns: where a module's new source comes from, and which exception a rejected update is. In: a module. Out: the module, or
what the new source raises.
"""

import builtins
import os
import sys

from . import api
from .errors import UpdateRejected


def reload(module):
    """See api.reload."""
    spec = getattr(module, "__spec__", None)
    name = getattr(spec, "name", None) or getattr(module, "__name__", None)
    if not isinstance(module, type(sys)) or not isinstance(name, str):
        raise TypeError("reload() argument must be a module")
    if sys.modules.get(name) is not module:
        raise ImportError(f"module {name} not in sys.modules", name=name)
    path, source = _source_of(module, spec)
    if api.rules().settings["disabled"] or (path is None and source is None):
        import importlib

        return importlib.reload(module)         # built in, an extension, or we are switched off
    if source is not None:
        report = api.update([], sources={name: source})
    elif os.path.exists(path):
        report = api.update([path])
    else:
        raise ModuleNotFoundError(f"spec not found for the module {name!r}", name=name)
    if report.outcome not in ("committed", "skipped"):
        _raise_reason(report, path, source)
    return sys.modules.get(name, module)


def _source_of(module, spec):
    """(path, None) of a source file, (None, text) of a module whose loader has it elsewhere, (None, None) without."""
    path = getattr(spec, "origin", None) if getattr(spec, "has_location", False) else getattr(module, "__file__", None)
    if isinstance(path, str) and path.endswith((".py", ".pyw")) and (os.path.exists(path) or not _in_archive(path)):
        return os.path.abspath(path), None
    get_source = getattr(getattr(module, "__loader__", None), "get_source", None)
    if get_source is not None and isinstance(path, str) and _in_archive(path):
        return None, get_source(module.__name__)
    return None, None


def _in_archive(path):
    parent = os.path.dirname(path)
    while not os.path.exists(parent) and parent != os.path.dirname(parent):
        parent = os.path.dirname(parent)
    return os.path.isfile(parent)


def _raise_reason(report, path, source):
    for reason in report.reasons:
        if isinstance(reason.exception, BaseException):
            raise reason.exception
    files = [reason.file for reason in report.reasons if reason.file]
    for file in dict.fromkeys([path, *files] if path else files):
        try:
            with open(file, "rb") as stream:
                text = stream.read()
        except OSError:
            continue
        compile(text, file, "exec", dont_inherit=True)       # raises the SyntaxError, with all that it knows
    if source is not None:
        compile(source, path or "<source>", "exec", dont_inherit=True)
    rejected = UpdateRejected(report)
    for reason in report.reasons:
        name, _, text = reason.text.partition(": ")          # "NameError: name 'x' is not defined"
        kind = getattr(builtins, name, None)
        if isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, (SyntaxError, UnicodeError)):
            raise (kind(text) if text else kind()) from rejected
    raise rejected
