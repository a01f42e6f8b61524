"""The diff of an update, definition by definition.

Owns: what the program's files said when they were last live. In: paths of targets as the engine meets them, files of
committed updates. Out: text, one hunk per place, headed by the definition it lies in. Only made where diffs can be
asked for; never asks the engine.
"""

import tokenize


class Texts:
    """The live text of each file, and those before it."""

    def __init__(self):
        self._versions = {}          # path -> texts, the live one last
        self.last = ""               # the diff of the last update

    def note(self, path):
        """A file of the program has been met: this is what it says now."""
        if path not in self._versions:
            text = _read(path)
            if text is not None:
                self._versions[path] = [text]

    def committed(self, paths, back=False):
        """These files are live in a new version (back: in the one before); returns the diff."""
        out = []
        for path in paths:
            versions = self._versions.setdefault(path, [])
            old = versions[-1] if versions else ""
            if back and len(versions) > 1:
                versions.pop()
            else:
                text = _read(path)
                versions.append("" if text is None else text)
                del versions[:-20]
            out.append(between(old, versions[-1]))
        self.last = "\n".join(filter(None, out))
        return self.last

    def waiting(self):
        """The diff from what lives to what the files say now: rejected, paused or not yet looked at."""
        found = []
        for path, versions in self._versions.items():
            text = _read(path)
            if text is not None and versions and text != versions[-1]:
                found.append(f"@ {path}\n" + between(versions[-1], text))
        return "\n".join(found)


def between(old, new):
    """A diff without file names: "@ Shop.total" and the lines of each place that differs, three around it."""
    from difflib import SequenceMatcher

    before, after = old.splitlines(), new.splitlines()
    names, old_names = _places(new, len(after)), _places(old, len(before))
    out = []
    for group in SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(2):
        kind, low, high, start, end = next((code for code in group if code[0] != "equal"))
        name = names[start] if end > start else old_names[low] if high > low else ""
        out.append(f"@ {name or 'module'}, line {start + 1}")
        for kind, low, high, start, end in group:
            if kind == "equal":
                out += ["  " + line for line in before[low:high]]
            else:
                out += ["- " + line for line in before[low:high]]
                out += ["+ " + line for line in after[start:end]]
    return "\n".join(out)


def _places(text, count):
    """For each line, the qualified name of the innermost definition it lies in."""
    import ast

    places = [""] * (count + 1)
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return places
    blocks = (ast.stmt, ast.excepthandler, ast.match_case)
    todo = [(node, "") for node in tree.body]
    while todo:
        node, outer = todo.pop()
        name = outer
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            name = f"{outer}.{node.name}" if outer else node.name
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            for line in range(first - 1, min(node.end_lineno, count)):
                places[line] = name
        todo += [(child, name) for child in ast.iter_child_nodes(node) if isinstance(child, blocks)]
    return places


def _read(path):
    try:
        with tokenize.open(path) as file:
            return file.read()
    except (OSError, SyntaxError, UnicodeDecodeError):
        return None
