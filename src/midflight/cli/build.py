"""`midflight build`: a fix and all that has to be signed about it, in one file.

Owns: how the base of a release is found. In: a fix, the folders that the program imports from. Out: a release without
signatures. A fix that does not fit the source is not built: the process would reject it, but later.
"""

import ast
import json
import os
import pathlib
import re
import sys
import time

from ..hotfix.fix import Hotfix, digest_of, read
from ..hotfix.patches import PatchError, apply, parse
from ..hotfix.releases import LARGEST, Malformed, Release, read_signed, seconds, stamp, write
from . import LIVE, REJECTED, WRONG_CALL

_SPAN = {"m": 60, "h": 3600, "d": 86400}


class _Unfit(Exception):
    """The fix and the source do not fit."""


def build(options):
    try:
        expires = _expires(options.expires)
        fix = read(pathlib.Path(options.fix), id=options.id)
        folders = [os.path.abspath(folder) for folder in options.source]
        base = {**_base(fix, folders, digest_of), **fix.base}
        fix = Hotfix(form=fix.form, id=options.id or "", text=_text(fix, folders), base=base)
        text = Release(target=options.target, version=options.version, created=stamp(time.time()), expires=expires,
                       permanent=options.permanent and options.probation is None, probation=options.probation, hotfix=fix).text
        read_signed(text)
        data = write(text, [])
        if len(data) > LARGEST:
            raise Malformed(f"{len(data)} bytes are more than the {LARGEST} that a release may have")
        output = options.output or os.path.splitext(options.fix)[0] + ".release"
        save(output, data)
    except _Unfit as error:
        return _fail(error, REJECTED)
    except (OSError, ValueError) as error:
        return _fail(error, WRONG_CALL)
    print(f"{output}: {fix.form} {fix.id} for {options.target}, version {options.version}, good until {expires}")
    for module, digest in sorted(base.items()):
        print(f"  made for {module}  {digest[:16]}...")
    if not base:
        print("  made for no particular source: a process in mode prod will not take it (--source FOLDER)")
    print("  not signed yet: midflight sign " + output)
    return LIVE


def _fail(error, code):
    sys.stderr.write(f"midflight build: {error}\n")
    return code


def _expires(text):
    span = re.fullmatch(r"(\d{1,6})([mhd])", text)
    if span:
        return stamp(time.time() + int(span[1]) * _SPAN[span[2]])
    if seconds(text, "--expires") <= time.time():
        raise ValueError(f"--expires {text}: that is over")
    return text


def _base(fix, folders, digest_of):
    """module -> hash of the files that the fix is about."""
    if not folders:
        return {}
    base = {}
    for name, path, edit in _about(fix, folders):
        with open(path, "rb") as file:
            data = file.read()
        if edit is not None:
            from importlib.util import decode_source

            try:
                apply(decode_source(data), edit, path)
            except PatchError as error:
                raise _Unfit(f"{path}:{error.line}: {error}") from None
        base[name] = digest_of(data)
    return base


def _about(fix, folders):
    """(module, file, hunks or None) of what a fix names."""
    if fix.form == "patch":
        for file, hunks in parse(fix.text).items():
            found = _file(file, folders)
            if found is None:
                raise _Unfit(f"{file} of the patch is not under {', '.join(folders)}")
            yield found[0], found[1], hunks
        return
    names = json.loads(fix.text) if fix.form == "modules" else _imported(fix.text)
    for name in names:
        path = _path(name, folders)
        if path is not None:
            yield name, path, None
        elif fix.form == "modules":
            raise _Unfit(f"the module {name} is not under {', '.join(folders)}")


def _file(file, folders):
    """(module, path, name below the folder) of a patch's file: as long an end of its name as there is below a folder."""
    parts = [part for part in file.split("/") if part not in ("", ".")]
    for start in range(len(parts)):
        for folder in folders:
            path = os.path.join(folder, *parts[start:])
            if os.path.isfile(path) and path.endswith(".py"):
                names = [*parts[start:-1], parts[-1][:-3]]
                return ".".join(names[:-1] if names[-1] == "__init__" and names[1:] else names), path, "/".join(parts[start:])
    return None


def _text(fix, folders):
    """A patch whose files have their names below the folder: where that lies on the target's machine is not known here."""
    if fix.form != "patch" or not folders:
        return fix.text
    lines, hunks = fix.text.splitlines(keepends=True), parse(fix.text)
    for file in hunks:
        name = _file(file, folders)[2]
        for at in range(len(lines) - 1):
            heads = lines[at:at + 2]
            if heads[0].startswith("--- ") and heads[1].startswith("+++ ") and all(re.search(rf"[ /]{re.escape(file)}\s", head) for head in heads):
                lines[at:at + 2] = f"--- a/{name}\n", f"+++ b/{name}\n"
    text = "".join(lines)
    if [_plain(found) for found in parse(text).values()] != [_plain(found) for found in hunks.values()]:
        raise _Unfit("the names of its files cannot be told apart from its lines")
    return text


def _plain(hunks):
    return [(hunk.start, hunk.old, hunk.new) for hunk in hunks]


def _path(name, folders):
    for folder in folders:
        for end in (".py", "/__init__.py"):
            path = os.path.join(folder, *name.split(".")) + end
            if os.path.isfile(path):
                return path
    return None


def _imported(script):
    """What a script imports, as far as its text says it."""
    try:
        tree = ast.parse(script)
    except SyntaxError as error:
        raise _Unfit(f"line {error.lineno}: {error.msg}") from None
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return list(dict.fromkeys(names))


def save(path, data):
    """There whole or not at all."""
    part = f"{path}.part-{os.getpid()}"
    with open(part, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
