"""The journal: what was done to this program, durable, and which hotfixes it starts with.

Owns: the meaning of the records, the states of hotfixes. In: hotfixes and reports, before and after each is applied.
Out: records for people, the permanent hotfixes in their order for hotfix/reapply.py. The file itself is book.py's;
identity.py says who we are.

States, as a release handler has them: *staged* (begun, its end is not known), *current* (runs; a restart comes up
without it), *permanent* (a restart comes up with it), *old* (taken back, rejected, superseded, or never confirmed).
What `permanent` says is true from the moment that its record is on the disk, and from then on only.
"""

import errno
import sys

from ..errors import JournalError
from ..hashes import sha256
from ..report import Report
from . import book
from .identity import lives, me, who

STAGED, CURRENT, PERMANENT, OLD = "staged", "current", "permanent", "old"
_SCRIPT = "script"


class Item:
    """A hotfix as the journal knows it."""

    def __init__(self, record):
        self.id = record["hotfix"]
        self.form = record["form"]
        self.text = record["text"]              # hash of its text
        self.digest = record["digest"]
        self.base = dict(record["base"])        # module -> hash that the hotfix is pinned to
        self.before = {}                        # module -> hash of the text that ran before it
        self.result = {}                        # module -> {"file", "text"}: what runs since
        self.release = record.get("release")    # of a signed one
        self.envelope = record.get("envelope")  # hash of that release as it came, signatures and all
        self.state = OLD
        self.why = ""
        self.at = record["n"]
        self.processes = set()                  # where it runs without being permanent

    @property
    def modules(self):
        return set(self.base) | set(self.before) | set(self.result)

    def to_dict(self):
        return {"id": self.id, "form": self.form, "state": self.state, "why": self.why, "digest": self.digest,
                "modules": sorted(self.modules), "record": self.at}


class Journal:
    """One folder. running() -> what this process runs: module -> (file, text as bytes, or None)."""

    def __init__(self, folder, running=dict, write=True):
        self._running = running
        self._items = {}
        self._versions = {}                     # target -> (version, digest) of the newest release that was live
        self._read = 0
        self._loaded = []                       # ids of those that modules of this process were loaded with
        self._gone = []                         # (number, id, state) of those that this process has undone
        self._numbers = []                      # (number, id) of those that this process has committed and not undone
        self.book = book.Book(folder)
        self.folder = self.book.folder
        self._play()
        if write and self.book.writable:
            self._tidy()

    # ---- what it says

    def records(self):
        """Every record, oldest first, those of other processes too."""
        with self.book.locked():
            self._play()
            return [dict(record) for record in self.book.records]

    def hotfixes(self):
        """Every hotfix with its state, in the order in which they were committed."""
        with self.book.locked():
            self._play()
            return sorted(self._items.values(), key=lambda item: item.at)

    def state(self, id):
        """The state of a hotfix, None for one that was never begun."""
        with self.book.locked():
            self._play()
            return self._items[id].state if id in self._items else None

    def highest_version(self, target):
        """(version, digest of its hotfix) of the newest release that has been live here; (0, None) without one."""
        with self.book.locked():
            self._play()
            return self._versions.get(target, (0, None))

    def text(self, name):
        return self.book.text(name)

    @property
    def notes(self):
        return self.book.notes

    # ---- what happens

    def begin(self, fix, *, by=None, permanent=False):
        """Before a hotfix is applied: its text is kept, and room for what comes of it. JournalError: do not apply it."""
        with self.book.locked():
            self._play()
            known = self._items.get(fix.id)
            if known is not None and known.state != OLD:
                if known.digest != fix.digest:
                    raise JournalError("MF624", f"another hotfix is called {fix.id} and is {known.state}")
                if known.state == STAGED and me() in known.processes or fix.id in (id for _, id in self._numbers):
                    raise JournalError("MF624", f"the hotfix {fix.id} is {known.state} already")
            self.book.reserve()
            text = self.book.keep(fix.text)
            by = by or who()
            self._add({"event": "begin", "hotfix": fix.id, "form": fix.form, "digest": fix.digest, "text": text,
                       "base": dict(fix.base), "by": by, **self._signed(fix)})
        book.point("begun")
        return {"id": fix.id, "form": fix.form, "base": fix.base, "permanent": bool(permanent), "by": by,
                "before": self._running()}

    def end(self, token, report):
        """After it: the outcome. token None: an update that was no hotfix. JournalError: it is not on the disk."""
        if token is None:
            return self._update(report)
        book.point("applied")
        record = {"event": "end", "hotfix": token["id"], **_told(report), "by": token["by"]}
        if report.outcome == "committed":
            record["state"] = PERMANENT if token["permanent"] else CURRENT
        try:
            with self.book.locked():
                self._play()
                if report.outcome == "committed":
                    self._numbers.append((report.number, token["id"]))
                    self._compare(token, report, record)
                    problem = token["permanent"] and self._problem(token["id"], set(record["result"]))
                    if problem:
                        record.update(state=CURRENT, why=problem)
                self._add(record, self.book.append_end)
        except JournalError as error:
            raise JournalError("MF623", f"the hotfix {token['id']} was {report.outcome}, but that is not in the journal, "
                                        f"so a restart comes up without it: {error}") from error
        return record.get("why")

    def _signed(self, fix):
        """What a release says of itself, for its record; and the release, for who does not believe a record."""
        release = getattr(fix, "release", None)
        if release is None:
            return {}
        return {"release": dict(release), "signed_by": list(fix.signed_by), "envelope": self.book.keep(fix.envelope)}

    def _compare(self, token, report, record):
        """What the hotfix changed: texts, or, of a script, the modules with what it set."""
        before, now = token["before"], self._running()
        modules = {entry.module for entry in report.changed if entry.module} | set(token["base"])
        if token["form"] != _SCRIPT:
            modules = {name for name, (_, text) in before.items() if text is not None and now.get(name, (None, None))[1] != text}
        record["before"], record["result"] = {}, {}
        for name in sorted(modules):
            file, text = now.get(name, (None, None))
            old = before.get(name, (None, None))[1]
            record["before"][name] = None if old is None else sha256(old)
            record["result"][name] = {"file": file, "text": None}
            if old is not None and text != old:
                self.book.keep(old.decode())       # to go back to
            if text is not None:
                record["result"][name]["text"] = sha256(text) if text == old else self.book.keep(text.decode())

    def _update(self, report):
        of_its_own = report.hotfix and not report.undoes and not report.redoes       # begin and end say it all
        if report.dry_run or report.outcome == "skipped" or of_its_own:
            return
        with self.book.locked():
            self._play()
            self._add({"event": "update", **_told(report), "by": who()})

    def undone(self, numbers):
        """These updates of this process were taken back: the hotfixes among them become old. Their ids."""
        gone = [id for number, id in self._numbers if number in numbers]
        self._gone += [(number, id, self._items[id].state) for number, id in self._numbers if number in numbers]
        self._numbers = [(number, id) for number, id in self._numbers if number not in numbers]
        if not gone:
            return gone
        with self.book.locked():
            self._play()
            for id in gone:
                if id in self._items and self._items[id].state != OLD:
                    self._add({"event": "state", "hotfix": id, "state": OLD, "why": "undone", "by": who()}, self.book.append_end)
        return gone

    def redone(self, numbers):
        """These updates, which had been taken back, were made again: the hotfixes among them are what they were."""
        back = [(number, id, state) for number, id, state in self._gone if number in numbers]
        self._gone = [one for one in self._gone if one not in back]
        self._numbers = sorted(self._numbers + [(number, id) for number, id, _ in back])
        for _, id, state in back:
            with self.book.locked():
                self._play()
                self._add({"event": "state", "hotfix": id, "state": state, "why": "redone", "by": who()}, self.book.append_end)

    def number_of(self, id):
        """The number of the update with which this process runs a hotfix, or None."""
        return next((number for number, other in self._numbers if other == id), None)

    def confirm(self, id, by=None):
        """current -> permanent: from now on every start has it. JournalError where that cannot be promised."""
        with self.book.locked():
            self._play()
            item = self._known(id)
            if item.state == PERMANENT:
                return
            if item.state != CURRENT:
                raise JournalError("MF625", f"the hotfix {id} is {item.state}{': ' + item.why if item.why else ''}; "
                                            "only one that runs can be confirmed. Send it again")
            problem = self._problem(id, item.modules)
            if problem:
                raise JournalError("MF626", problem)
            self._add({"event": "state", "hotfix": id, "state": PERMANENT, "why": "confirmed", "by": by or who()})

    def retire(self, id, why, by=None):
        """No start has it any more; what runs now goes on."""
        with self.book.locked():
            self._play()
            if self._known(id).state != OLD:
                self._add({"event": "state", "hotfix": id, "state": OLD, "why": why, "by": by or who()})

    def note(self, text):
        with self.book.locked():
            self._play()
            self._add({"event": "note", "text": text})

    def started(self, reports):
        """This process has come up: with these permanent hotfixes, and without those."""
        done = [report.hotfix for report in reports if report.outcome == "committed"]
        left = [report.hotfix for report in reports if report.outcome == "rejected"]
        try:
            with self.book.locked():
                self._play()
                self._add({"event": "start", "program": sys.argv[0] if sys.argv else "", "hotfixes": done, "left_out": left})
        except JournalError as error:          # the program starts all the same; hotfixes will be rejected
            self.book.notes.append(str(error))

    def loaded_with(self, id):
        """Modules of this process are loaded from the text after this hotfix."""
        self._loaded.append(id)

    def applied(self, id, number):
        """This process has applied a permanent hotfix once more, as update `number`."""
        self._numbers.append((number, id))

    def texts_before(self, id):
        """Of a hotfix that this process was loaded with: module -> the text to go back to. JournalError: it cannot."""
        item = self._items[id]
        now = self._running()
        for name in item.result:
            if now.get(name, (None, None))[1] is None or sha256(now[name][1]) != item.result[name]["text"]:
                raise JournalError("MF627", f"{name} does not run the text of {id} any more: a later update or hotfix stands on it")
        return {name: self.text(item.before[name]) for name in item.result}

    def was_loaded_with(self, id):
        return id in self._loaded

    # ---- inside

    def _problem(self, id, modules):
        """Why a start could not have this one, or None."""
        item = self._items[id]
        if item.form == _SCRIPT and "__main__" in modules:
            return (f"the hotfix {id} is a script that changes __main__, which no start can do before the program runs; "
                    "send it as a patch, or as an edited module")
        for other in self._items.values():
            if other.state == CURRENT and other.id != id and other.at < item.at and other.modules & modules:
                return (f"the hotfix {id} builds on {other.id}, which is only current "
                        f"({', '.join(sorted(other.modules & modules))}): confirm that first")
        return None

    def _known(self, id):
        if id not in self._items:
            raise JournalError("MF625", f"the journal {self.folder} knows no hotfix {id}")
        return self._items[id]

    def _add(self, record, append=None):
        (append or self.book.append)({**record, "process": me()})
        self._play()

    def _play(self):
        for record in self.book.records[self._read:]:
            self._read += 1
            handler = _PLAY.get(record.get("event"))
            if handler is not None:
                try:
                    handler(self._items, record)
                    self._note_version(record)
                except (KeyError, TypeError, ValueError, AttributeError) as error:
                    raise JournalError("MF622", f"{self.book.path}:{record['n']}: this record is whole, but this midflight "
                                                f"cannot read it ({type(error).__name__}: {error})") from None

    def _note_version(self, record):
        release = self._items[record["hotfix"]].release
        if record["event"] == "end" and record["outcome"] == "committed" and release is not None:
            if release["version"] > self._versions.get(release["target"], (0, None))[0]:
                self._versions[release["target"]] = release["version"], self._items[record["hotfix"]].digest

    def _tidy(self):
        """Hotfixes of processes that have ended without a word."""
        try:
            with self.book.locked():
                self._play()
                for item in list(self._items.values()):
                    if item.state in (STAGED, CURRENT) and not any(map(lives, item.processes)):
                        why = ("the process ended before its outcome was known" if item.state == STAGED
                               else "the process ended before it was confirmed")
                        self._add({"event": "state", "hotfix": item.id, "state": OLD, "why": why})
        except JournalError as error:
            if getattr(error.__cause__, "errno", None) not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EFBIG):
                raise
            self.book.notes.append(str(error))


def _begun(items, record):
    id = record["hotfix"]
    if id not in items or items[id].state == OLD:
        items[id] = Item(record)
        items[id].state = STAGED
    items[id].processes.add(record["process"])


def _ended(items, record):
    item = items[record["hotfix"]]
    if record["outcome"] != "committed":
        if item.state == STAGED:
            item.state, item.why = OLD, record["outcome"]
        return
    if item.state != PERMANENT:
        item.at = record["n"]
        item.state = record["state"]
        item.why = record.get("why", "")
    item.before, item.result = dict(record["before"]), dict(record["result"])


def _state_changed(items, record):
    item = items[record["hotfix"]]
    item.state, item.why = record["state"], record.get("why", "")


_PLAY = {"begin": _begun, "end": _ended, "state": _state_changed}


def open(folder, running=dict):
    """The journal in this folder, made where there is none. JournalError: it cannot be read, or is damaged."""
    return Journal(folder, running)


def _told(report):
    """A report in the words of a record."""
    out = {"outcome": report.outcome, "number": report.number, "files": list(report.files), "pause_ms": report.pause_ms,
           "plan": list(report.plan), "changed": [f"{entry.module}: {entry.label}" for entry in report.changed]}
    if report.reasons:
        out["reasons"] = [f"{entry.code} {entry.where}{entry.text}" for entry in report.reasons]
    return out


def rejected(error):
    """The Report of a hotfix that the journal did not take."""
    return Report({"outcome": "rejected", "reasons": [{"code": error.code, "text": str(error)}]})
