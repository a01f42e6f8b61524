"""`midflight check OLD NEW`: what an edit would need, told from the two sources alone.

Owns: the comparison of syntax trees. In: two files, or two folders. Out: one line per definition that differs: code
exchanged, statement runs again, instances migrate. It knows no values and no live objects; what a real update decides
from those is said as such. (The engine does not use syntax trees; this is for a person, or a gate in a pipeline, where
no process is at hand.)
"""

import ast
import json
import os
import sys

from . import LIVE, REJECTED, RESTART, WRONG_CALL

_DEFS = (ast.FunctionDef, ast.AsyncFunctionDef)


def check(options):
    old, new = options.old, options.new
    for path in (old, new):
        if not os.path.exists(path):
            sys.stderr.write(f"midflight check: no such file or folder: {path}\n")
            return WRONG_CALL
    if os.path.isdir(old) != os.path.isdir(new):
        sys.stderr.write("midflight check: OLD and NEW must be two files or two folders\n")
        return WRONG_CALL
    answer = compare_folders(old, new) if os.path.isdir(old) else compare_files(old, new, os.path.basename(new))
    codes = {entry["needs"] for entry in answer}
    result = REJECTED if "rejected" in codes else RESTART if "restart" in codes else LIVE
    if options.json:
        words = {LIVE: "live", REJECTED: "rejected", RESTART: "restart"}
        print(json.dumps({"event": "check", "outcome": words[result], "entries": answer}, ensure_ascii=False))
        return result
    for entry in answer:
        place = f"{entry['file']}:{entry['line']}" if entry["line"] else entry["file"]
        print(f"{place:<28}  {entry['op']}{entry['name'] or ''}  {entry['text']}")
    print({LIVE: "would go live" if answer else "nothing differs", REJECTED: "would be rejected",
           RESTART: "would go live, but part of it takes effect only after a restart"}[result])
    return result


def compare_folders(old, new):
    before, after = _files(old), _files(new)
    out = []
    for file in sorted(before | after):
        if file not in after:
            out.append(_entry("-", file, 0, None, "the module leaves, with its names in other modules"))
        elif file not in before:
            found = _parsed(os.path.join(new, file), file)
            out.append(found if isinstance(found, dict) else
                       _entry("+", file, 0, None, "a new module: loads when something imports it"))
        else:
            out += compare_files(os.path.join(old, file), os.path.join(new, file), file)
    gone = {_module(file): file for file in before - after}
    for file in sorted(after) if gone else ():
        tree = _parsed(os.path.join(new, file), file)
        if not isinstance(tree, dict):
            for node, name in _imports(tree, file):
                if name in gone:
                    out.append(_entry("=", file, node.lineno, None, f"still imports {name}, which is gone", "rejected"))
    return out


def compare_files(old, new, name):
    before, after = _parsed(old, name), _parsed(new, name)
    if isinstance(after, dict):
        return [after]
    if isinstance(before, dict):
        return [_entry("=", name, before["line"], None, "the old source does not compile: " + before["text"], "rejected")]
    out = _compare(_statements(before), _statements(after), name, "")
    if not out and _text(old) != _text(new):
        out.append(_entry("=", name, 0, None, "comments or positions only: lines shift, nothing runs"))
    return out


def _compare(before, after, file, outer):
    out = []
    for key, node in after.items():
        if key not in before:
            out.append(_entry("+", file, node.lineno, _name(outer, key), *_added(node, key)))
        elif ast.dump(before[key]) != ast.dump(node):
            out += _changed(before[key], node, file, outer, key)
    for key, node in before.items():
        if key not in after:
            registered = isinstance(node, (*_DEFS, ast.ClassDef)) and node.decorator_list
            out.append(_entry("-", file, 0, _name(outer, key),
                              "goes, and what its decorators have registered" if registered else "goes"
                              if key[0] != "does" else "ran already: what it did stays, but for what it had registered"))
    return out


def _changed(old, new, file, outer, key):
    name, line = _name(outer, key), new.lineno
    if type(old) is not type(new):
        return [_entry("~", file, line, name, "another kind of thing: every reference follows")]
    if isinstance(new, _DEFS):
        if _head(old) == _head(new):
            return [_entry("~", file, line, name, "code exchanged, nothing runs")]
        return [_entry("~", file, line, name, "its def line differs: the statement runs again")]
    if isinstance(new, ast.ClassDef):
        out = []
        if _head(old) != _head(new):
            out.append(_entry("~", file, line, name,
                              "its class line differs: the statement runs again, instances migrate if the layout differs"))
        return out + _compare(_statements(old), _statements(new), file, name)
    if key[0] == "main":
        return [_entry("~", file, line, name, "never runs again: takes effect at the next start", "restart")]
    if key[1] == "__slots__":
        return [_entry("~", file, line, name, "the layout differs: instances are migrated")]
    if key[0] == "data":
        values = [getattr(node, "value", None) for node in (old, new)]
        shown = " -> ".join(_short(value) for value in values if value is not None)
        return [_entry("~", file, line, name, f"{shown}  merged with the live value; what derives from it follows")]
    return [_entry("~", file, line, name, "runs again")]


def _added(node, key):
    if key[0] == "main":
        return "does not run: takes effect at the next start", "restart"
    if isinstance(node, ast.ClassDef):
        return ("a new class",)
    return ("a new function",) if isinstance(node, _DEFS) else ("runs",)


def _head(node):
    """A definition without its body."""
    bare = {field: value for field, value in ast.iter_fields(node) if field != "body"}
    return [ast.dump(item) if isinstance(item, ast.AST) else item
            for value in bare.values() for item in (value if isinstance(value, list) else [value])]


def _statements(tree):
    """{key: statement}; keys pair old and new: (kind, name, how many of that kind and name came before)."""
    out = {}
    for node in tree.body:
        if isinstance(node, (*_DEFS, ast.ClassDef)):
            kind, name = "definition", node.name
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            kind, name = "data", ", ".join(map(ast.unparse, targets))
        elif isinstance(node, ast.If) and "__name__" in ast.unparse(node.test) and "__main__" in ast.unparse(node.test):
            kind, name = "main", ast.unparse(node.test)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            kind, name = "import", ast.unparse(node)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            kind, name = "data", "__doc__"
        else:
            kind, name = "does", ast.unparse(node).partition("\n")[0]
        count = 0
        while (kind, name, count) in out:
            count += 1
        out[kind, name, count] = node
    return out


def _imports(tree, file):
    """(statement, module) of each import at the top level that nothing guards."""
    package = _module(file).split(".")
    if os.path.basename(file) != "__init__.py":
        package = package[:-1]
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[:len(package) - node.level + 1] if node.level else []
            base = ".".join(base + ([node.module] if node.module else []))
            yield node, base
            yield from ((node, f"{base}.{alias.name}" if base else alias.name) for alias in node.names)


def _files(folder):
    found = set()
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__pycache__"
                            and not os.path.exists(os.path.join(place, name, "pyvenv.cfg")))
        found |= {os.path.relpath(os.path.join(place, name), folder) for name in files if name.endswith((".py", ".pyw"))}
    return found


def _module(file):
    parts = os.path.splitext(file)[0].split(os.sep)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _parsed(path, file):
    """The tree, or the entry that says why there is none."""
    try:
        source = _text(path)
        compile(source, path, "exec", dont_inherit=True)        # finds more than the parser does
        return ast.parse(source, path)
    except (SyntaxError, ValueError) as error:
        return _entry("=", file, getattr(error, "lineno", 0) or 0, None, f"{type(error).__name__}: "
                      + (getattr(error, "msg", None) or str(error)), "rejected")


def _text(path):
    with open(path, "rb") as stream:
        return stream.read()


def _name(outer, key):
    return f"{outer}.{_cut(key[1])}" if outer else _cut(key[1])


def _short(node):
    return _cut(ast.unparse(node))


def _cut(text):
    return text if len(text) <= 40 else text[:37] + "..."


def _entry(op, file, line, name, text, needs="live"):
    return {"op": op, "file": file, "line": line, "name": name, "text": text, "needs": needs}
