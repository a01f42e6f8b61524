"""Patches that stand over a file: what a later save of it means for them.

Owns: the rule, definition by definition. In: a file's new text, the text that runs, a layer. Out: the text that is to
run, the layer after it, and whose fix the file has superseded.

A hotfix changes the text that the process runs, and leaves the file as it is. So a file has two texts: `file`, what it
held when it was looked at last, and what runs. They differ in some units (a statement of the module, a member of a
class, the head of a class); each such unit is owned by the hotfix that changed it. When the file is saved, a unit
that the save does not touch keeps its fix; one that it touches is the file's again, and the report says that the
hotfix is superseded; one that the save brings to what the fix has is the file's, too, without a word.
"""

import ast


class Layer:
    """Of one file. Never changed: an update makes another one."""

    __slots__ = ("file", "owners")

    def __init__(self, file, owners):
        self.file, self.owners = file, owners          # text; {unit: id of a hotfix}


def over(layer, running, wanted, id):
    """The layer when the hotfix `id` makes `wanted` of the text that runs; None: nothing differs from the file."""
    file = layer.file if layer else running
    old, new, held = (_units(text) for text in (running, wanted, file))
    if old is None or new is None or held is None:
        return layer
    owners = dict(layer.owners) if layer else {}
    for key in {**old, **new}:
        if _text(old, key) != _text(new, key):
            owners[key] = id
    owners = {key: owner for key, owner in owners.items() if _text(new, key) != _text(held, key)}
    return Layer(file, owners) if owners else None


def settle(saved, running, layer):
    """The engine asks: a file with a layer has this text now. (text to run, layer after it or None, [(id, unit)])"""
    saved, running = saved.decode(), running.decode()
    if saved == layer.file:
        return running.encode(), layer, []
    held, old, new = (_units(text) for text in (layer.file, running, saved))
    if held is None or old is None or new is None:
        return saved.encode(), layer, []               # it has a syntax error: the update is rejected
    owners, lost = {}, []
    for key, id in layer.owners.items():
        mine, theirs = _text(old, key), _text(new, key)
        if theirs == _text(held, key) and (theirs is not None or _scope(key) in ("", *new)):
            owners[key] = id
        elif theirs != mine:
            lost.append((id, key))
    text = _merged(saved, new, old, owners)
    if _units(text) is None:
        return saved.encode(), None, [(id, key) for key, id in layer.owners.items()]
    return text.encode(), Layer(saved, owners) if owners else None, lost


def _text(units, key):
    return units[key][0] if key in units else None


def _scope(key):
    """The head of the class around a member; "" for the module."""
    outer, dot, _ = key.rpartition(".") if not key.startswith(":") else ("", "", "")
    return f"class {outer}" if dot else ""


def _merged(saved, new, old, owners):
    """The saved text with the fixes of these units in it."""
    edits = []                                         # (from line, to line, lines), none inside another
    order = list(old)
    for key in owners:
        text = _text(old, key)
        if key in new:
            _, start, end = new[key]
            edits.append((start, end, text or ""))
        elif text is not None:
            at = _behind(key, order, new)
            edits.append((at, at, text))
    lines = saved.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    for start, end, text in sorted(edits, key=lambda edit: edit[:2], reverse=True):
        lines[start:end] = [text]
    return "".join(lines)


def _behind(key, order, new):
    """Line behind the unit that stands in front of an added one: in what runs, of those that the file has."""
    scope = _scope(key)
    for other in reversed(order[:order.index(key)]):
        if other in new and (_scope(other) == scope or other == scope):
            return new[other][2]
    inside = [new[other][1] for other in new if _scope(other) == scope]
    return min(inside, default=0)


def _units(text):
    """{key: (text, first line, line behind)}, counted from 0, in order; None for what does not parse."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    lines = text.splitlines(keepends=True)
    units = {}
    _collect(units, tree.body, "", lines)
    return units


def _collect(units, body, prefix, lines):
    groups = []
    for node in body:
        start = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))]) - 1
        if groups and start < groups[-1][2]:
            groups[-1][0].append(node)                 # several on a line
            groups[-1][2] = max(groups[-1][2], node.end_lineno)
        else:
            groups.append([[node], start, node.end_lineno])
    for nodes, start, end in groups:
        node = nodes[0]
        inside = node.body[0] if isinstance(node, ast.ClassDef) else None
        if len(nodes) == 1 and inside is not None and inside.lineno > node.lineno:
            name = prefix + node.name
            first = min([inside.lineno, *(one.lineno for one in getattr(inside, "decorator_list", ()))]) - 1
            _add(units, f"class {name}", start, first, lines)
            _collect(units, node.body, name + ".", lines)
        else:
            _add(units, prefix + "; ".join(_label(node) for node in nodes), start, end, lines)


def _add(units, key, start, end, lines):
    number, unique = 1, key
    while unique in units:
        number += 1
        unique = f"{key}#{number}"
    text = "".join(lines[start:end])
    units[unique] = (text if text.endswith("\n") or not text else text + "\n", start, end)


def _label(node):
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return node.name
    if isinstance(node, ast.Assign):
        return ", ".join(ast.unparse(target) for target in node.targets)
    if isinstance(node, (ast.AnnAssign, ast.AugAssign)):
        return ast.unparse(node.target)
    return ":" + ast.unparse(node)
