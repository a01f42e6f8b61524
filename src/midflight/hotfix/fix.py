"""A fix into a running process: a patch, edited modules, or a script; one transaction each.

Owns: what a hotfix is (Hotfix), how it is read, pinned and applied. In: text, a path, or a dict of module -> source.
Out: a Report, as of any update; nothing here raises for a hotfix that is rejected.

A patch and edited modules are an update of the texts that the process *runs* (its baselines), whatever the files hold.
`base` pins them: the sha256 of those texts, decoded as an import does it, in UTF-8, with "\\n" line ends (for most
files that of the file). Another base is rejected, and the report shows the difference. A script is run aside and what
it changed is committed at once: scripts.py. What a later save of the same file means: layers.py.
"""

import dataclasses
import difflib
import json
import os
import re

from .. import api
from ..hashes import sha256
from . import patches

_BASE = re.compile(r"^\W*midflight-base:\s*([\w.]+)\s+(?:sha256:)?([0-9a-f]{64})\s*$", re.M)
_NAME = re.compile(r"^\w+(\.\w+)*$")
_ID = re.compile(r"^[\w.+:@-]{1,100}$")
_PIN = "midflight-base"           # beside the modules of a JSON object: {module: sha256}
_SHOWN = 40                       # lines of a difference in a reason


@dataclasses.dataclass(frozen=True)
class Hotfix:
    """One fix, as it is sent, signed and kept."""

    form: str                     # "patch", "modules" or "script"
    id: str
    text: str                     # of modules: a JSON object, name -> source
    base: dict = dataclasses.field(default_factory=dict)     # module -> sha256 of the text that it has to run
    digest: str = ""              # sha256 of form and text

    def __post_init__(self):
        if self.form not in ("patch", "modules", "script"):
            raise ValueError(f"a hotfix is a patch, modules or a script, not {self.form!r}")
        digest = sha256(f"{self.form}\n{self.text}")
        if self.digest not in ("", digest):
            raise ValueError("the digest of the hotfix is not that of its text: it has been changed on its way")
        object.__setattr__(self, "digest", digest)
        if not self.id:
            object.__setattr__(self, "id", "hf-" + digest[:12])
        if not _ID.match(self.id):
            raise ValueError(f"id {self.id!r}: up to 100 letters, digits and . + : @ - _")


def digest_of(source):
    """The hash that `base` has for a source: text, or the bytes of a file."""
    return sha256(_decode(source))


def read(given, *, id=None):
    """A Hotfix from text, a path, or a dict of module -> source. ValueError for what is none, with the way out."""
    if isinstance(given, Hotfix):
        return given if id is None else dataclasses.replace(given, id=id)
    where = "hotfix"
    if isinstance(given, dict):
        return _modules(given, id, where)
    if isinstance(given, os.PathLike) or (isinstance(given, str) and "\n" not in given and _is_path(given)):
        where = os.fspath(given)
        try:
            with open(given, "rb") as file:
                given = file.read()
        except OSError as error:
            raise ValueError(f"{where}: cannot be read: {error.strerror or error}") from error
    if not isinstance(given, (str, bytes)):
        raise ValueError(f"a hotfix is text, a path, or a dict of module -> source, not {type(given).__name__}")
    if b"\0" in given if isinstance(given, bytes) else "\0" in given:
        raise ValueError(f"{where}: binary (it has a null byte): a hotfix is a unified diff, a JSON object or Python text")
    try:
        text = _decode(given)
    except (UnicodeError, SyntaxError, LookupError) as error:
        raise ValueError(f"{where}: no text: {error}; save it as UTF-8") from error
    if not text.strip():
        raise ValueError(f"{where}: empty: there is nothing to apply")
    if patches.looks_like_patch(text):
        try:
            patches.parse(text)
        except patches.PatchError as error:
            raise ValueError(f"{where}, line {error.line}: {error}") from error
        return Hotfix("patch", id or "", text, _pins(text))
    if text.lstrip().startswith("{"):
        return _modules(_json(text, where), id, where)
    return Hotfix("script", id or "", text, _pins(text))


def patched(fix, path, text):
    """The text of this file after all that a patch has for it. PatchError where it does not fit."""
    for file, hunks in patches.parse(fix.text).items():
        if patches.is_of(path, file):
            text = patches.apply(text, hunks, file)
    return text


def _is_path(text):
    return text.endswith((".py", ".patch", ".diff", ".json")) or os.path.exists(text)


def _json(text, where):
    try:
        given = json.loads(text)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise ValueError(f"{where}, line {line}: begins like a JSON object of module -> source, but is none: {error}") from error
    return given


def _modules(given, id, where):
    base = given.get(_PIN, {})
    sources = {name: source for name, source in given.items() if name != _PIN}
    if not sources:
        raise ValueError(f"{where}: empty: there is no module in it")
    for name, source in sources.items():
        if not isinstance(name, str) or not _NAME.match(name):
            raise ValueError(f"{where}: {name!r} is no dotted name of a module")
        if isinstance(source, bytes):
            try:
                sources[name] = source = _decode(source)
            except (UnicodeError, SyntaxError, LookupError) as error:
                raise ValueError(f"{where}: the source of {name} is no text: {error}") from error
        if not isinstance(source, str) or "\0" in source:
            raise ValueError(f"{where}: the source of {name} is no text")
    if not isinstance(base, dict) or not all(isinstance(one, str) and re.fullmatch("[0-9a-f]{64}", one) for one in base.values()):
        raise ValueError(f"{where}: {_PIN} is an object of module -> sha256, 64 hex digits")
    return Hotfix("modules", id or "", json.dumps(sources, ensure_ascii=False, sort_keys=True), dict(base))


def _pins(text):
    """Lines `midflight-base: MODULE SHA256` in front of a patch's files, or in a script's comments."""
    return {name: digest for name, digest in _BASE.findall(text)}


def _decode(source):
    """Text as the import system reads it."""
    if isinstance(source, bytes):
        import importlib.util

        return importlib.util.decode_source(source)
    return source.replace("\r\n", "\n").replace("\r", "\n")


def apply(fix, *, dry_run=False):
    """Bring it in, all of it or nothing. Never raises for one that is rejected: the report says why."""
    mode = api.DRY_RUN if dry_run else api.UPDATE
    extra = {"hotfix": fix.id, "form": fix.form}
    texts = api.running()
    reasons = _check_base(fix, texts)
    if fix.form == "script":
        if reasons:
            return api.refuse(reasons, mode, extra)
        from . import scripts

        return scripts.apply(fix, mode, extra)
    sources = _edited_by_patch(fix, texts, reasons) if fix.form == "patch" else _edited(fix, texts, reasons)
    if reasons:
        return api.refuse(reasons, mode, extra)
    extra["layers"] = _layers(fix, sources, texts)
    extra["expects"] = {texts[name][0]: texts[name][1] for name in {*sources, *fix.base}}
    return api.apply_sources(sources, mode, extra)


def _layers(fix, sources, texts):
    """What stands over the files when the hotfix is in."""
    from . import layers

    before = api.layers(layers.settle)
    out = {}
    for name, source in sources.items():
        path, text = texts[name]
        out[path] = layers.over(before.get(path), _decode(text), _decode(source), fix.id)
    return out


def _check_base(fix, texts):
    reasons = []
    for name, digest in sorted(fix.base.items()):
        path, text = texts.get(name, (None, None))
        if text is None:
            reasons.append(_unknown(name, path))
        elif digest_of(text) != digest:
            reasons.append((601, f"{name} runs another source than the one that {fix.id} was made for "
                            f"({digest_of(text)[:12]}, not {digest[:12]}){_difference(fix, name, path, text, digest)}", path, 0))
    return reasons


def _unknown(name, path):
    if path is None:
        return (602, f"{name} is no loaded module of the program", None, 0)
    return (602, f"the text that {name} runs is not known: start midflight before it is imported", path, 0)


def _difference(fix, name, path, text, digest):
    """What stands between the wanted base and what runs, where it can be known: the file may be the wanted one."""
    try:
        with open(path, "rb") as file:
            wanted = _decode(file.read())
    except (OSError, UnicodeError, SyntaxError):
        wanted = None
    title = "the file (the wanted base)"
    if wanted is None or digest_of(wanted) != digest:
        title, wanted = "the hotfix", json.loads(fix.text).get(name) if fix.form == "modules" else None
    if wanted is None:
        return ""
    return ":\n" + difference(wanted, _decode(text), title, "what runs")


def difference(old, new, old_title, new_title):
    """A unified diff for people, cut where it gets long."""
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), old_title, new_title, lineterm="", n=1))
    if len(lines) > _SHOWN:
        lines[_SHOWN:] = [f"... and {len(lines) - _SHOWN} more lines"]
    return "\n".join(lines)


def _edited(fix, texts, reasons):
    sources = json.loads(fix.text)
    for name in sources:
        path, text = texts.get(name, (None, None))
        if text is None:
            reasons.append(_unknown(name, path))
    return sources


def _edited_by_patch(fix, texts, reasons):
    sources = {}
    for file, hunks in patches.parse(fix.text).items():
        names = [name for name, (path, _) in texts.items() if patches.is_of(path, file)]
        if len({texts[name][0] for name in names}) != 1:
            found = ", ".join(sorted({texts[name][0] for name in names}))
            reasons.append((603, f"{file} of the patch is {'more than one file: ' + found if names else 'no file of a loaded module'}",
                            file, 0))
            continue
        path, text = texts[names[0]]
        if text is None:
            reasons.append(_unknown(names[0], path))
            continue
        try:
            sources[names[0]] = patches.apply(_decode(text), hunks, file)
        except patches.PatchError as error:
            reasons.append((604, str(error), path, error.line))
    return sources
