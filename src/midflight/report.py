"""What an update says about itself, for people and for programs.

Owns: Report, its entries, their text. In: the dict that the engine makes. Out: the lines that a terminal shows, JSON.
Nothing here asks the engine anything, so a report may be kept, pickled or sent away.
"""

import os

HEAD = "midflight"
_INDENT = " " * 16            # a further line starts where the first one's file does
_COLUMN = 94                  # where the right-hand column starts, when the line is short enough
_LONGEST = 48                 # a label on the update's line
_SHOWN = 6                    # entries of one kind on a line, and lines of one kind, unless verbose
_DATA = "MF104"               # a value changed
_LISTS = ("changed", "kept", "notes", "reasons", "stragglers")


class Entry:
    """One thing that an update did, kept, noticed or refused."""

    __slots__ = ("code", "op", "module", "name", "file", "line", "text", "exception")

    def __init__(self, data):
        self.code = data.get("code") or "MF900"       # stable, documented: MF101 ...
        self.op = data.get("op") or "="               # "~" changed, "+" added, "-" removed, "=" anything else
        self.module = data.get("module")
        self.name = data.get("name")                  # qualified name, or None
        self.file = data.get("file")
        self.line = data.get("line")
        self.text = data.get("text") or ""
        self.exception = data.get("exception")        # the exception of a failed stage, where there was one

    @property
    def label(self):
        """Short form on the update's line: "~Shop.total", or "TAX 0.19 -> 0.2" of a piece of data."""
        if self.code == _DATA and self.text:
            return self.text
        if self.op in ("~", "+", "-") and self.name:
            return self.op + self.name
        return self.text or self.name or self.code

    @property
    def where(self):
        """ "shop/cart.py:41  ", or "" where there is no file."""
        if not self.file:
            return ""
        return short_path(self.file) + (f":{self.line}" if self.line else "") + "  "

    def to_dict(self):
        return {key: getattr(self, key) for key in ("code", "op", "module", "name", "file", "line", "text")}

    def __repr__(self):
        return f"<{type(self).__name__} {self.code} {self.where}{self.label}>"

    def __reduce__(self):
        return type(self), (self.to_dict(),)


class Reason(Entry):
    """Why an update was rejected; all reasons are collected, not the first one only."""

    __slots__ = ()


class Report:
    """The end of one update. `outcome` is "committed", "skipped", "rejected" or "rolled back"."""

    def __init__(self, data):
        self.number = data.get("number") or 0
        self.outcome = data.get("outcome", "skipped")
        self.files = tuple(data.get("files") or ())
        self.changed = tuple(map(Entry, data.get("changed") or ()))
        self.kept = tuple(map(Entry, data.get("kept") or ()))
        self.notes = tuple(map(Entry, data.get("notes") or ()))
        self.reasons = tuple(map(Reason, data.get("reasons") or ()))
        self.stragglers = tuple(map(Entry, data.get("stragglers") or ()))
        self.timings = dict(data.get("timings") or ())          # phase -> milliseconds
        self.pause_ms = data.get("pause_ms") or 0.0             # how long other threads stood still
        self.running = data.get("running") or 0                 # number of the update that is live
        self.dry_run = bool(data.get("dry_run"))
        self.plan = tuple(data.get("plan") or ())
        self.foreseen = data.get("foreseen")                    # of a dry run: {"references", "instances", "pause_ms"}
        self.hotfix = data.get("hotfix")                        # its id, where the update was one
        self.form = data.get("form")                            # "patch", "modules" or "script"
        self.undoes = data.get("undoes")                        # number of the update that it took back,
        self.redoes = data.get("redoes")                        # or that it made again

    def to_dict(self):
        out = {"event": "update", "number": self.number, "outcome": self.outcome, "files": list(self.files)}
        for name in _LISTS:
            out[name] = [entry.to_dict() for entry in getattr(self, name)]
        out.update(timings=self.timings, pause_ms=self.pause_ms, running=self.running, dry_run=self.dry_run)
        out["plan"] = list(self.plan)
        for name in ("foreseen", "hotfix", "form", "undoes", "redoes"):
            if getattr(self, name) is not None:
                out[name] = getattr(self, name)
        return out

    def to_json(self, **options):
        """One JSON object on one line; options as json.dumps takes them."""
        import json

        options.setdefault("ensure_ascii", False)
        return json.dumps(self.to_dict(), **options)

    def __str__(self):
        return self.text()

    def __repr__(self):
        return f"<midflight.Report #{self.number} {self.outcome}: {', '.join(map(short_path, self.files)) or 'no file'}>"

    def text(self, verbose=False):
        """The lines for people. verbose: every entry on a line of its own, nothing left out."""
        return "\n".join(line for line, _ in self.lines(verbose))

    def lines(self, verbose=False, width=None):
        """(line, kind) pairs; kind is an outcome or "more", for who wants to colour them. width: of the terminal."""
        lines = [(self._first_line(verbose, width), self.outcome)]
        if verbose:
            rest = [entry.where + entry.op + " " + (entry.name or entry.module or "") + _after(entry)
                    for entry in self.changed]
            lines += self._more(rest, verbose)
        lines += self._more([reason.where + reason.text for reason in self.reasons[1:]], verbose)
        notes = self.notes if self.outcome != "skipped" or self._would_do() else self.notes[1:]
        for entries in (self.kept, notes, self.stragglers):
            lines += self._more([_person(entry) for entry in entries], verbose)
        if self.plan and (verbose or self.dry_run or self.outcome == "skipped"):
            lines += [(f"{HEAD:16}{step}", "more") for step in self.plan]
        if self.foreseen is not None:
            lines.append((f"{HEAD:16}references that follow: {self.foreseen['references']}; instances to migrate: "
                          f"{self.foreseen['instances']}; estimated pause: {self.foreseen['pause_ms']:.2f} ms", "more"))
        return lines

    def _more(self, texts, verbose):
        shown = texts if verbose or len(texts) <= _SHOWN else texts[:_SHOWN - 1]
        lines = [(f"{HEAD:16}" + text.strip().replace("\n", "\n" + _INDENT), "more") for text in shown]
        if len(shown) < len(texts):
            lines.append((f"{HEAD:16}and {len(texts) - len(shown)} more", "more"))
        return lines

    def _first_line(self, verbose, width):
        number = f"#{self.number}" if self.number and not self.dry_run else "--"
        left = f"{HEAD}  {number:<3}" + (f"  hotfix {self.hotfix}" if self.hotfix else "")
        back = [f"{word} #{of}" for word, of in (("undoes", self.undoes), ("redoes", self.redoes)) if of and self.outcome == "committed"]
        left = "  ".join([left, *back])
        right = ""
        if self.outcome == "committed" or (self.outcome == "skipped" and self._would_do()):
            would = ["would commit"] if self.outcome == "skipped" or self.dry_run else []
            left = "  ".join([left, *would, *self._files(), *self._labels(verbose)])
            total = self.timings.get("total")
            if total is not None and not would:
                right = f"{_ms(total)} ms (stopped {_ms(self.pause_ms)})"
        elif self.outcome == "skipped":
            reason = (*self.reasons, *self.notes)[:1]
            left = "  ".join([left, "skipped", *self._files()])
            left += "  " + (reason[0].text if reason else "nothing differs from what runs")
        else:
            reason = self.reasons[0].where + self.reasons[0].text if self.reasons else "  ".join(self._files())
            left = f"{left}  {'WOULD BE ' if self.dry_run else ''}{self.outcome.upper()} {reason}"
            right = f"still running #{self.running}" if self.running else "still running as started"
        first, _, rest = left.partition("\n")
        pad = _COLUMN - 3 if width is None or width >= _COLUMN + len(right) else 0
        line = f"{first:<{pad}}   {right}" if right else first
        return line + ("\n" + _INDENT + rest.replace("\n", "\n" + _INDENT) if rest else "")

    def _would_do(self):
        """Of one that has done nothing: would it?"""
        return bool(self.changed or self.plan or self.foreseen)

    def _files(self):
        shown = [short_path(path) for path in self.files[:3]]
        if len(self.files) > 3:
            shown.append(f"and {len(self.files) - 3} more files")
        return [", ".join(shown)] if shown else []

    def _labels(self, verbose):
        """Each change once; a value that importers have taken over with their number."""
        counts = {}
        for entry in self.changed:
            counts[entry.label, entry.code] = counts.get((entry.label, entry.code), 0) + 1
        labels = []
        for (label, code), count in counts.items():
            others = f" ({count - 1} importer{'s' if count > 2 else ''})" if code == _DATA and count > 1 else ""
            labels.append((label if verbose else _cut(label)) + others)
        if verbose or len(labels) <= _SHOWN:
            return labels
        return [*labels[:_SHOWN - 1], f"and {len(labels) - _SHOWN + 1} more"]


def short_path(path):
    """Relative to the working folder where that is shorter to read, else as it is."""
    try:
        here = os.path.join(os.getcwd(), "")
    except OSError:
        return path
    if path + os.sep == here:
        return "."
    return path[len(here):] if path.startswith(here) else path


def _after(entry):
    """An entry's text behind its name, where it says more than that."""
    text = entry.text.removeprefix(entry.name or "").strip()
    return "  " + text if text else ""


def _cut(text):
    return text if len(text) <= _LONGEST else text[:_LONGEST - 3] + "..."


def _person(entry):
    """A line that needs a person: the text says it all, the place stands in front unless the text has it."""
    if entry.where and os.path.basename(entry.file) not in entry.text:
        return entry.where + entry.text
    return entry.text or entry.label


def _ms(value):
    return f"{value:.2f}" if value < 0.995 else f"{value:.1f}" if value < 99.95 else f"{value:.0f}"
