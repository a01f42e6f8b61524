"""Permanent hotfixes at the start of a process: there before the program's own code is.

Owns: which of them this start has, and how each gets in. In: the journal, the files as they are now. Out: modules that
load from their mended text, scripts that run when what they change has been imported, words about both.

A patch or edited modules: the module is *loaded* from the text after the hotfix, so the process is as one started from
it; nothing is imported earlier, later or twice. What has been decided at the start holds, whatever happens to the files
meanwhile: all modules of a hotfix or none. A script, and what follows a script on the same module, is applied at the
end of the import of a module that it changes, before whoever imports it goes on. The text before and after is known
from the journal: files that hold the text before get the hotfix, files that hold the text after (or that of a later
one) contain it; where all do, it is set aside. A file that has changed in other definitions gets it too, unless the
hotfix is pinned to its base. Any other file is a case for a person: it is said, and the hotfix stays permanent.
"""

import os
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader

from .. import api, hooks
from ..errors import JournalError
from ..hashes import sha256
from ..journal import PERMANENT
from ..report import Report
from .layers import over, settle

_SCRIPT = "script"


class Reapply:
    """One per start. program: ("file", path) or ("module", name) where the launcher has not loaded it yet."""

    def __init__(self, journal, program=None):
        self.journal, self._program = journal, program
        self.texts = {}            # path -> (text to load from, its layer over the file)
        self.waiting = []          # items that need their modules, in order
        self.reports = []
        self._wanted = {}          # path -> [(id, text before, text after)], as far as it is decided
        self._last = {}            # (module, hash of a text) -> place of the last permanent hotfix that made it
        self._hashes = {}          # module -> hash of its text, as it is after what was decided so far
        self._texts = {}           # module -> that text
        self._places = {}          # module -> path, "" where it cannot be loaded from a text of ours
        self._admitted = None      # in mode prod: id -> the hotfix, as it was signed
        self._applying = False

    def begin(self):
        items = self._admit([item for item in self.journal.hotfixes() if item.state == PERMANENT])
        for at, item in enumerate(items):
            for name, result in item.result.items() if item.form != _SCRIPT else ():
                self._last[name, result["text"]] = at
        loaded = api.running()
        for at, item in enumerate(items):
            if item.form == _SCRIPT or any(other.modules & item.modules for other in self.waiting) or any(
                    name in loaded and not (name == "__main__" and self._program) for name in item.modules):
                self.waiting.append(item)
            else:
                self._decide(item, at)
        self.texts = {path: self._layered(steps) for path, steps in self._wanted.items()}
        if self.texts or self.waiting:
            finders = sys.meta_path
            place = next((at + 1 for at, finder in enumerate(finders) if type(finder).__module__ == "midflight._engine"), 0)
            finders.insert(place, Finder(self))
            self.module_ended()
        return self.reports

    def _admit(self, items):
        """In mode prod those whose release is good now; the others are for a person to look at."""
        from . import trust

        if not trust.in_force():
            return items
        from .kept import admitted

        self._admitted = {}
        for item in items:
            try:
                self._admitted[item.id] = admitted(item, self.journal, lambda name: self._find(name)[0])
            except (trust.Refused, JournalError) as error:
                self._say(item, "rejected", "MF643", f"NOT part of this start: {error}. Send a release that is good, or "
                          f"midflight.retire({item.id!r})")
        return [item for item in items if item.id in self._admitted]

    # ---- sources

    def _decide(self, item, at):
        wanted, other = {}, []
        for name in sorted(item.result):
            now, before, after = self._hash(name), item.before.get(name), item.result[name]["text"]
            if now is not None and now == before:
                wanted[name] = self.journal.text(after)
            elif self._last.get((name, now), -1) < at:
                pinned = name in item.base or self._admitted is not None
                text = None if now is None or pinned else self._merged(name, before, after, item.id)
                if text is None:
                    other.append(name)
                elif text != self._texts[name]:
                    wanted[name] = text
        if not wanted and not other:
            return self._set_aside(item, "the source contains it")
        odd = [name for name in wanted if not self._places[name]]
        if other or odd:
            return self._not(item, other, odd)
        for name, text in wanted.items():
            self._wanted.setdefault(self._places[name], []).append((item.id, self._texts[name], text))
            self._texts[name], self._hashes[name] = text, sha256(text)
        self.journal.loaded_with(item.id)
        self._say(item, "committed", "MF640", f"part of this start: {', '.join(wanted)}")

    def _merged(self, name, before, after, id):
        """The text that the module has now with the hotfix over it; None where it has changed a definition that the hotfix
        changes too."""
        old, new, now = self.journal.text(before), self.journal.text(after), self._texts[name]
        layer = over(None, old, new, id)
        if layer is None:
            return None
        text, left, lost = settle(now.encode(), new.encode(), layer)
        if lost or (left is not None and text.decode() == now):
            return None
        return text.decode()

    @staticmethod
    def _layered(steps):
        layer = None
        for id, before, after in steps:
            layer = over(layer, before, after, id)
        return steps[-1][2], layer

    def _not(self, item, other, odd):
        parts = []
        if other:
            parts.append(f"{', '.join(other)} {'is' if len(other) == 1 else 'are'} neither what it was made for nor what it made"
                         + ("" if set(other) & set(item.base) else ", and has changed in the same definitions"))
        if odd:
            parts.append(f"{', '.join(odd)} is not loaded from a plain file")
        self._say(item, "rejected", "MF641", f"NOT part of this start: {'; '.join(parts)}. If the source has the fix, or needs it "
                  f"no more: midflight.retire({item.id!r})")

    def _hash(self, name):
        if name not in self._hashes:
            path, text = self._find(name)
            self._places[name] = path
            self._texts[name] = None if text is None else text.decode()
            self._hashes[name] = None if text is None else sha256(text)
        return self._hashes[name]

    def _find(self, name):
        """(path, text) of a module that is not loaded yet; no package is imported for it."""
        if name == "__main__":
            if self._program is None:
                return "", None
            kind, name = self._program
            if kind == "file":
                return os.path.abspath(name), read_text(name)
        spec, path = None, None
        parts = name.split(".")
        if self._program == ("module", name):
            top = _spec(parts)
            if top is not None and top.submodule_search_locations is not None:
                parts.append("__main__")
        spec = _spec(parts)
        if spec is None or not spec.has_location:
            return "", None
        path = os.path.abspath(spec.origin)
        plain = type(spec.loader) is SourceFileLoader
        return (path if plain else ""), read_text(path)

    # ---- what needs its modules

    def module_ended(self):
        """A module has been imported: what waited for it goes in, before anybody uses it."""
        if self._applying:
            return
        self._applying = True
        api.inside_imports(+1)
        try:
            while (item := next(filter(self._is_ready, self.waiting), None)) is not None:
                self.waiting.remove(item)
                self._apply(item)
        finally:
            api.inside_imports(-1)
            self._applying = False

    def names_waited_for(self):
        return {name for item in self.waiting for name in item.modules}

    def _is_ready(self, item):
        """Something of it is loaded, nothing half, and no earlier one stands before it."""
        earlier = self.waiting[:self.waiting.index(item)]
        if any(other.modules & item.modules for other in earlier):
            return False
        loaded = [sys.modules[name] for name in item.modules if name in sys.modules]
        return bool(loaded or not item.modules) and not any(
            getattr(getattr(module, "__spec__", None), "_initializing", False) for module in loaded)

    def _apply(self, item):
        from .fix import Hotfix, apply

        try:
            if self._admitted is not None:
                fix = self._admitted[item.id]
                modules = set(fix.base)            # what is signed, not what the record says
            else:
                fix = Hotfix(form=item.form, id=item.id, text=self.journal.text(item.text), base=item.base, digest=item.digest)
                modules = item.modules
            for name in sorted(modules - set(sys.modules)):
                __import__(name)
            report = apply(fix)
        except JournalError:
            raise
        except Exception as error:            # a module that cannot be imported (any more); the program goes on without
            self._say(item, "rejected", "MF641", f"NOT part of this start: {type(error).__name__}: {error}")
            return
        self.reports.append(report)
        if report.outcome == "committed" and (report.changed or report.files):
            self.journal.applied(item.id, report.number)
        elif report.outcome in ("committed", "skipped"):
            self._set_aside(item, "the source contains it: it changes nothing")
        else:
            why = "; ".join(reason.text for reason in report.reasons)
            self._say(item, "rejected", "MF641", f"NOT part of this start: {why}. If the source has the fix, or needs it no "
                      f"more: midflight.retire({item.id!r})")

    # ---- words

    def _set_aside(self, item, why):
        try:
            self.journal.retire(item.id, f"superseded: {why}")
        except JournalError as error:
            why += f" (this could not be written down: {error})"
        self._say(item, "skipped", "MF642", f"set aside: {why}")

    def _say(self, item, outcome, code, text):
        entry = {"code": code, "name": item.id, "text": f"hotfix {item.id} is {text}"}
        self.reports.append(Report({"outcome": outcome, "hotfix": item.id, "form": item.form,
                                    "reasons" if outcome == "rejected" else "notes": [entry]}))
        hooks.dispatch({"outcome": "note", "text": entry["text"]})


class Finder:
    """Stands behind the engine's on sys.meta_path: a module that is imported once more has its hotfixes once more."""

    def __init__(self, reapply):
        self._reapply = reapply

    def find_spec(self, name, path=None, target=None):
        finders = sys.meta_path
        behind = False
        for finder in list(finders):
            if finder is self:
                behind = True
            elif behind and hasattr(finder, "find_spec"):
                spec = finder.find_spec(name, path, target)
                if spec is not None:
                    self._dress(spec)
                    return spec
        return None

    def _dress(self, spec):
        place = os.path.abspath(spec.origin) if spec.has_location and isinstance(spec.origin, str) else None
        mended = self._reapply.texts.get(place)
        if mended is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = Mended(spec.loader.name, spec.loader.path, *mended)
        if self._reapply.waiting and type(spec) is ModuleSpec and spec.name in self._reapply.names_waited_for():
            spec.__class__ = _watched(self._reapply)


class Mended(SourceFileLoader):
    """Loads a module from the text after a hotfix in place of the file's."""

    def __init__(self, name, path, text, layer):
        super().__init__(name, path)
        self._text, self._layer = text, layer

    def get_source(self, fullname):
        return self._text

    def get_code(self, fullname):
        api.assume(os.path.abspath(self.path), self._text, self._layer)
        return compile(self._text, self.path, "exec", dont_inherit=True)


def _watched(reapply):
    """The class of a module spec that says when its module has been imported, and then is a plain one again."""

    class Watched(ModuleSpec):
        @property
        def _initializing(self):
            return self.__dict__.get("_initializing", False)

        @_initializing.setter
        def _initializing(self, value):
            ended = self.__dict__.get("_initializing", False) and not value
            self.__dict__["_initializing"] = value
            if ended:
                self.__class__ = ModuleSpec
                module = sys.modules.get(self.name)
                if module is not None:         # else its import has failed
                    _bind_in_parent(self.name, module)
                    reapply.module_ended()

    return Watched


def _bind_in_parent(name, module):
    """What the import does next: the hotfix may name the module by its package."""
    parent, _, child = name.rpartition(".")
    if parent in sys.modules:
        setattr(sys.modules[parent], child, module)


def _spec(parts):
    """The spec of a dotted name, found without importing any part of it."""
    path, spec = None, None
    for end in range(1, len(parts) + 1):
        name = ".".join(parts[:end])
        spec = next(filter(None, (finder.find_spec(name, path) for finder in sys.meta_path if hasattr(finder, "find_spec"))), None)
        if spec is None or (end < len(parts) and spec.submodule_search_locations is None):
            return None
        path = spec.submodule_search_locations
    return spec


def read_text(path):
    """The text of a file, as the engine keeps it; None where it cannot be read."""
    from importlib.util import decode_source

    try:
        with open(path, "rb") as file:
            return decode_source(file.read()).encode()
    except (OSError, SyntaxError, UnicodeError):
        return None
