"""Hotfixes for workers that are born later.

Owns: what a process of a tree was sent and has not loaded the modules for; a forked child begins with its parent's
list. In: hotfixes of a tree. Out: modules that load with them.
"""

import json
import sys

from . import api

_kept = []               # (epoch, Hotfix)


def concerns(fix):
    """Has this process loaded what the hotfix changes? A script is not run to find out: its imports tell."""
    loaded = api.running()
    if fix.form == "modules":
        return any(name in loaded for name in json.loads(fix.text))
    if fix.form == "patch":
        from . import patches

        parts = [[part for part in file.split("/") if part not in ("", ".")] for file in patches.parse(fix.text)]
        return any(path.split("/")[-len(part):] == part for path, _ in loaded.values() for part in parts)
    named = imports(fix.text)
    return not named or any(name in sys.modules for name in named)


def imports(text):
    """The modules that a script names, but those of the standard library."""
    import ast

    try:
        tree = ast.parse(text)
    except SyntaxError:
        return set()
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names.add(node.module)
    return {name for name in names if name.partition(".")[0] not in sys.stdlib_module_names}


def keep(epoch, fix):
    _kept.append((epoch, fix))


def forget(epoch):
    _kept[:] = [kept for kept in _kept if kept[0] != epoch]


def waiting():
    return [fix.id for _, fix in _kept]
