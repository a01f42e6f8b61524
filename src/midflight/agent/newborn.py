"""Hotfixes of a process tree, for who has not loaded their modules yet: masters that only start workers, and workers
that are born later.

Owns: the list of the tree's hotfixes that are in force. In: hotfixes, each with the epoch of its command. Out: modules
that load with them. A forked child has its parent's list; one that was started anew (spawn) asks its nearest
ancestor that can be reached, before it imports the program's modules.

A patch or edited modules: the module is loaded from the mended text, so the worker begins as if the file had it. A
script runs when all modules that it names have been imported. What does not fit any more (the file has the fix
itself by now) is said and left out.
"""

import json
import os
import sys

from .. import api, hooks

_kept = []               # (epoch, Hotfix), in order
_scripts = []            # those of them that wait for their modules here
_before = {}             # epoch -> {path: text before}: modules of this process that were loaded mended
_numbers = {}            # epoch -> number of the update with which a script went in late
_finder = None


def concerns(fix):
    """Has this process loaded what the hotfix changes? A script is not run to find out: its imports tell."""
    loaded = api.running()
    if fix.form == "modules":
        return any(name in loaded for name in json.loads(fix.text))
    if fix.form == "patch":
        from ..hotfix import patches

        return any(patches.is_of(path, file) for path, _ in loaded.values() for file in patches.parse(fix.text))
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


def keep(epoch, fix, waits=False):
    """It is in force in this tree. waits: this process has not loaded its modules."""
    _kept.append((epoch, fix))
    if waits:
        _wait_for(epoch, fix)


def _wait_for(epoch, fix):
    global _finder
    if fix.form == "script":
        _scripts.append((epoch, fix))
    if _finder is None:
        from ..hotfix.reapply import Finder

        _finder = Finder(_Mender())
        place = next((at + 1 for at, one in enumerate(sys.meta_path) if type(one).__module__ == "midflight._engine"), 0)
        sys.meta_path.insert(place, _finder)


def forget(epoch):
    """It has been taken back: who is born from here on does not have it."""
    _kept[:] = [kept for kept in _kept if kept[0] != epoch]
    _scripts[:] = [kept for kept in _scripts if kept[0] != epoch]
    _numbers.pop(epoch, None)


def number(epoch):
    """Of the update by which a script came in late, or None."""
    return _numbers.get(epoch)


def take_back(epoch, dry_run):
    """A Report, where modules of this process were loaded mended; else None."""
    texts = _before.get(epoch)
    if texts is None:
        return None
    names = {path: name for name, (path, _) in api.running().items()}
    sources = {names[path]: text for path, text in texts.items() if path in names}
    report = api.apply_sources(sources, api.DRY_RUN if dry_run else api.UPDATE, {})
    if not dry_run and report.outcome in ("committed", "skipped"):
        del _before[epoch]
    return report


def waiting():
    return [fix.id for _, fix in _kept]


# ---- for processes that are started anew


def as_data():
    return [{"epoch": epoch, "form": fix.form, "id": fix.id, "text": fix.text, "base": fix.base} for epoch, fix in _kept]


def inherit():
    """What the nearest ancestor with an agent has; the epochs of its tree, oldest first."""
    from ..attach import client

    for pid in client.ancestors(os.getpid()):
        found = client.socket_of(pid)
        if found is None:
            continue
        try:
            with client.Connection(found) as connection:
                if connection.peer not in (0, pid):
                    raise client.NotReachable(f"process {connection.peer} listens there, not {pid}")
                answer = connection.call("inherit", timeout=client.HELLO_S)
        except (client.NotReachable, client.CallFailed, OSError) as error:
            hooks.dispatch({"outcome": "note", "text": f"the hotfixes of process {pid} are not known here: {error}"})
            return []
        from ..hotfix.fix import Hotfix

        for one in answer["hotfixes"]:
            keep(one["epoch"], Hotfix(one["form"], one["id"], one["text"], one["base"]), waits=True)
        return answer["epochs"]
    return []


# ---- modules that are loaded from here on


class _Mender:
    """What reapply's finder asks: texts of files, scripts that wait."""

    @property
    def texts(self):
        return self

    @property
    def waiting(self):
        return _scripts

    def names_waited_for(self):
        return {name for _, fix in _scripts for name in imports(fix.text)}

    def get(self, path):
        """(text to load instead of the file's, its layer over the file), or None."""
        fixes = [kept for kept in _kept if kept[1].form != "script" and _names(kept[1], path)] if path else []
        if not fixes:
            return None
        from ..hotfix.fix import digest_of
        from ..hotfix.layers import over
        from ..hotfix.reapply import read_text

        raw, layer = read_text(path), None
        text = None if raw is None else raw.decode()
        before = text
        for epoch, fix in fixes if text is not None else ():
            new, why = _mended(fix, path, text, digest_of(text))
            if why is not None:
                hooks.dispatch({"outcome": "note", "text": f"hotfix {fix.id} is left out of {path}: {why}"})
            elif new != text:
                _before.setdefault(epoch, {})[path] = text
                layer = over(layer, text, new, fix.id)
                text = new
        return None if text == before else (text, layer)

    def module_ended(self):
        for kept in list(_scripts):
            epoch, fix = kept
            modules = [sys.modules.get(name) for name in imports(fix.text)]
            if all(modules) and not any(getattr(getattr(one, "__spec__", None), "_initializing", False) for one in modules):
                _scripts.remove(kept)
                from ..hotfix.fix import apply

                api.inside_imports(+1)
                try:
                    report = apply(fix)
                finally:
                    api.inside_imports(-1)
                if report.outcome == "committed":
                    _numbers[epoch] = report.number
                elif report.outcome != "skipped":
                    why = "; ".join(reason.text for reason in report.reasons)
                    hooks.dispatch({"outcome": "note", "text": f"hotfix {fix.id} is left out: {why}"})


def _mended(fix, path, text, digest):
    """(text with the fix, None), or (None, why not)."""
    wanted = {digest for name, digest in fix.base.items() if _is_module(path, name)}
    if wanted and digest not in wanted:
        return None, "the file is another one than it was made for"
    if fix.form == "modules":
        return next(source for name, source in json.loads(fix.text).items() if _is_module(path, name)), None
    from ..hotfix.fix import patched
    from ..hotfix.patches import PatchError

    try:
        return patched(fix, path, text), None
    except PatchError as error:
        return None, f"it does not fit the file ({error})"


def _names(fix, path):
    if fix.form == "modules":
        return any(_is_module(path, name) for name in json.loads(fix.text))
    from ..hotfix import patches

    return any(patches.is_of(path, file) for file in patches.parse(fix.text))


def _is_module(path, name):
    tail = os.sep + name.replace(".", os.sep)
    return path.endswith((tail + ".py", tail + os.sep + "__init__.py"))
