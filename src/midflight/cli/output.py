"""The lines that `midflight run` prints about updates.

Owns: our words on standard error, their colour, the JSON form. In: reports and notes, from any thread. Out: whole
lines, each in one write to the descriptor, so that they never mix with the program's own and never end in its
redirected sys.stderr. Nobody reading them is no reason to disturb the program.
"""

import os
import sys

from .. import hooks
from ..report import HEAD, short_path

_COLOURS = {"committed": "32", "skipped": "2", "rejected": "1;31", "rolled back": "1;31", "more": "33", "plain": "36",
            "removed": "31", "added": "32", "place": "36"}


class Output:
    """One per process. verbose: the diff too; quiet: only what was rejected; json: objects in place of lines."""

    def __init__(self, verbose=False, quiet=False, json=False, descriptor=2):
        self.verbose, self.quiet, self.json, self._descriptor = verbose, quiet, json, descriptor
        self.asked = False           # somebody waits for the answer: say also that there was nothing to do
        self.undoing = False
        self._process = os.getpid()
        self.texts = None            # what the files said before, where diffs are wanted
        try:
            self._terminal = os.isatty(descriptor)
        except OSError:
            self._terminal = False
        self._coloured = self._terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        if json:
            from json import dumps

            self._dumps = dumps

    def begin(self):
        """Listen to updates, before midflight starts."""
        if self.verbose or self._terminal:
            from ..rules import Rules
            from .diff import Texts

            self.texts = Texts()
            Rules.on_target = self.texts.note
        hooks.on("update", self.report)
        hooks.on("note", self.note)

    def started(self, backend, roots, reason):
        """The one line at the start."""
        if self.json:
            self._object({"event": "started", "watching": backend, "roots": list(roots), "reason": reason})
        elif reason is not None:
            self.say(f"updates are off: {reason}", "rejected")
        elif not roots:
            self.say("updates are switched off by MIDFLIGHT_DISABLE")
        elif backend is None:
            self.say("not watching: updates only when asked for")
        else:
            self.say(f"watching {', '.join(map(short_path, roots))} ({backend})")

    def report(self, report):
        diff = ""
        if self.texts is not None and report.outcome == "committed" and not report.dry_run:
            diff = self.texts.committed(report.files, back=self.undoing)
        bad = report.outcome in ("rejected", "rolled back")
        if self.json:
            self._object(report.to_dict())
        elif bad or self.asked or (not self.quiet and (self.verbose or report.outcome != "skipped")):
            self._lines(report.lines(self.verbose, self._width()))
            if self.verbose and diff:
                self.diff(diff)

    def note(self, text):
        if self.json:
            self._object({"event": "note", "text": text})
        elif not self.quiet:
            self._lines([(f"{HEAD:16}{text}", "more")])

    def say(self, text, kind="plain"):
        """A line in answer to a person."""
        if not self.quiet and not self.json:
            self._lines([(f"{HEAD}  {text}", kind)])

    def error(self, text):
        """We cannot even begin."""
        self._write(f"{HEAD}: {text}\n")

    def diff(self, text):
        """Lines of a diff, indented below the update's line."""
        kinds = {"+": "added", "-": "removed", "@": "place"}
        self._write("".join(self._painted(" " * 11 + line, kinds.get(line[:1])) + "\n" for line in text.splitlines()))

    def _lines(self, lines):
        """A forked child says which one it is, at the end of its first line."""
        out = []
        if os.getpid() != self._process:
            lines = [(lines[0][0] + f"   [process {os.getpid()}]", lines[0][1]), *lines[1:]]
        for line, kind in lines:
            if line.startswith(HEAD):
                line = self._painted(HEAD, kind) + line[len(HEAD):]
            out.append(line + "\n")
        self._write("".join(out))

    def _painted(self, text, kind):
        return f"\x1b[{_COLOURS[kind]}m{text}\x1b[0m" if self._coloured and kind in _COLOURS else text

    def _width(self):
        try:
            return os.get_terminal_size(self._descriptor).columns or None if self._terminal else None
        except OSError:
            return None

    def _object(self, data):
        self._write(self._dumps({**data, "process": os.getpid()}, ensure_ascii=False) + "\n")

    def _write(self, text):
        encoding = getattr(sys.__stderr__, "encoding", None) or "utf-8"
        data = memoryview(text.encode(encoding, "backslashreplace"))
        try:
            while data:
                data = data[os.write(self._descriptor, data):]
        except OSError:
            pass                     # nobody reads it (a closed pipe, a full one): the program shall not notice
