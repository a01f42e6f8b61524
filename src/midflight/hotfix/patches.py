"""Unified diffs: read, and applied to texts. Nothing here knows a process.

Owns: the form of a patch. In: the text of a diff, the texts that it is to be applied to. Out: the texts after it, or
PatchError with the line of the patch, or of the text, where it stops.

A hunk applies where its numbers say, or, if its lines stand at one other place only, there; its lines have to be there
exactly, context too: a hotfix is no place for fuzz.
"""

import os
import re

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_REFUSED = {"GIT binary patch": "a binary patch", "Binary files ": "a binary patch", "rename from ": "a renamed file",
            "copy from ": "a copied file", "new file mode": "a new file", "deleted file mode": "a deleted file"}


class PatchError(ValueError):
    """What is wrong with the patch, and where: `line` is one of the patch, or of the text if `file` is not None."""

    def __init__(self, text, line=0, file=None):
        super().__init__(text)
        self.line, self.file = line, file


class Hunk:
    """Some lines of a text, and what stands there after it."""

    __slots__ = ("line", "start", "old", "new")

    def __init__(self, line, start):
        self.line, self.start = line, start       # of the patch; of the old text, counted from 0
        self.old, self.new = [], []


def looks_like_patch(text):
    """Does it have the head of a file and a hunk? (No Python program has.)"""
    return bool(re.search(r"^--- .*\n\+\+\+ .*\n@@ -\d", text, re.M) or text.startswith("diff --git ")
                or re.search(r"^GIT binary patch$", text, re.M))


def parse(text):
    """The files of a patch: a dict of name -> list of hunks. PatchError for what is no patch, or is not allowed in one."""
    lines = text.splitlines(keepends=True)
    files, at = {}, 0
    while at < len(lines):
        line = lines[at]
        for start, what in _REFUSED.items():
            if line.startswith(start):
                raise PatchError(f"{what}: a hotfix edits the text of loaded modules, nothing else", at + 1)
        if line.startswith("--- ") and at + 1 < len(lines) and lines[at + 1].startswith("+++ "):
            name = _name(line, lines[at + 1], at)
            if name in files:
                raise PatchError(f"{name} stands in it twice", at + 1)
            at, files[name] = _hunks(lines, at + 2)
            if not files[name]:
                raise PatchError(f"no hunk for {name}", at)
        elif line.startswith("@@ -"):
            raise PatchError("a hunk without the name of its file (--- and +++)", at + 1)
        else:
            at += 1
    if not files:
        raise PatchError("no file in the patch (--- and +++ lines)", 1)
    return files


def _name(old, new, at):
    names = [line[4:].rstrip("\r\n").split("\t")[0] for line in (old, new)]
    if "/dev/null" in names:
        raise PatchError(f"{'a new' if names[0] == '/dev/null' else 'a deleted'} file: a hotfix edits the text of loaded "
                         "modules, nothing else", at + 1)
    names = [re.sub(r"^[ab]/", "", name) for name in names]
    if names[0] != names[1] and not names[0].startswith(names[1]):        # x.py.orig
        raise PatchError(f"{names[0]} becomes {names[1]}: a hotfix renames nothing", at + 1)
    return names[1]


def _hunks(lines, at):
    hunks = []
    while at < len(lines):
        head = _HUNK.match(lines[at])
        if head is None:
            break
        start, olds, _, news = (1 if number is None else int(number) for number in head.groups())
        hunk = Hunk(at + 1, max(start - 1, 0) if olds else start)
        at += 1
        while len(hunk.old) < olds or len(hunk.new) < news:
            if at == len(lines):
                raise PatchError("the patch ends inside a hunk", at)
            kind, line = lines[at][0], lines[at][1:]
            if kind in "\r\n":                     # a mail program has cut off the blank of an empty line
                kind, line = " ", lines[at]
            if kind not in " +-":
                raise PatchError(f"a line of a hunk begins with ' ', '+' or '-', not {kind!r}", at + 1)
            if kind in " -":
                hunk.old.append(line)
            if kind in " +":
                hunk.new.append(line)
            at += 1
            if at < len(lines) and lines[at].startswith("\\"):      # \ No newline at end of file
                for side in ((hunk.old, hunk.new) if kind == " " else (hunk.old,) if kind == "-" else (hunk.new,)):
                    side[-1] = side[-1].rstrip("\r\n")
                at += 1
        if len(hunk.old) > olds or len(hunk.new) > news:
            raise PatchError("a hunk has more lines than its head says", hunk.line)
        hunks.append(hunk)
    return at, hunks


def apply(text, hunks, name):
    """The text after all hunks. PatchError, with the line of the text, where one does not fit."""
    lines = text.splitlines(keepends=True)
    out, done = [], 0
    for hunk in hunks:
        at = _place(lines, hunk, done)
        if at is None:
            raise PatchError(_misfit(lines, hunk, name), _first_wrong(lines, hunk) + 1, name)
        out += lines[done:at] + hunk.new
        done = at + len(hunk.old)
    return "".join(out + lines[done:])


def _place(lines, hunk, done):
    size = len(hunk.old)
    if hunk.start >= done and lines[hunk.start:hunk.start + size] == hunk.old:
        return hunk.start
    if not size:
        return None
    found = [at for at in range(done, len(lines) - size + 1) if lines[at:at + size] == hunk.old]
    return found[0] if len(found) == 1 else None


def _first_wrong(lines, hunk):
    for offset, line in enumerate(hunk.old):
        if hunk.start + offset >= len(lines) or lines[hunk.start + offset] != line:
            return hunk.start + offset
    return hunk.start


def _misfit(lines, hunk, name):
    at = _first_wrong(lines, hunk)
    offset = at - hunk.start
    wanted = hunk.old[offset].rstrip("\n") if offset < len(hunk.old) else "the end of the text"
    found = lines[at].rstrip("\n") if at < len(lines) else "the end of the text"
    return (f"the hunk of line {hunk.line} of the patch does not fit the text that {name} runs: "
            f"wanted {wanted!r}, found {found!r}")


def is_of(path, file):
    """Does the patch's name end as the file's path does, by whole parts?"""
    parts, wanted = path.split(os.sep), [part for part in file.split("/") if part not in ("", ".")]
    return parts[-len(wanted):] == wanted
