"""A permanent hotfix of the journal, judged once more at a start in mode "prod".

Owns: whether what the journal has of a hotfix is what was signed. In: an item of the journal, the places of its modules.
Out: the hotfix, out of the release that the journal keeps, or Refused.

Whoever can write into the journal can make its sums fit, so nothing in it is believed but what the keys vouch for: the
release is judged as when it came (signatures, target, validity, base), the record has to say what the release says, and
the texts that modules are loaded from have to be those that the signed hotfix makes of the source that it is for.
"""

import json

from ..errors import JournalError
from . import patches, trust
from .fix import digest_of, patched


def admitted(item, journal, place_of):
    """The hotfix of an item. place_of(module) -> path of its file. Refused, JournalError: no start has it."""
    if item.envelope is None:
        raise trust.Refused("MF650", "not signed, and this process takes signed releases only (mode = prod)")
    try:
        fix = trust.admit(journal.text(item.envelope).encode(), again=True)
        if (item.id, item.form, item.digest, item.base) != (fix.id, fix.form, fix.digest, fix.base):
            raise _other("its record is not that of its release")
        if fix.form != "script":
            _check_texts(item, fix, journal, place_of)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _other(f"its record cannot be read ({type(error).__name__}: {error})") from error
    return fix


def _check_texts(item, fix, journal, place_of):
    sources = json.loads(fix.text) if fix.form == "modules" else {}
    files = set(patches.parse(fix.text)) if fix.form == "patch" else set()
    for name, result in item.result.items():
        before = journal.text(item.before[name])
        if digest_of(before) != fix.base.get(name, digest_of(before)):
            raise _other(f"it was made for another {name} than its record says")
        if fix.form == "modules":
            made = sources.pop(name, None)
        else:
            path = place_of(name)
            files -= {file for file in files if patches.is_of(path, file)}
            made = _patched(fix, path, before)
        if made is None or digest_of(made) != digest_of(journal.text(result["text"])):
            raise _other(f"the text that the journal has for {name} is not the one that it makes")
    left = sorted(name for name, source in sources.items() if digest_of(source) != fix.base.get(name)) + sorted(files)
    if left:
        raise _other(f"its record leaves out {', '.join(left)}")


def _patched(fix, path, before):
    try:
        return patched(fix, path, before)
    except patches.PatchError as error:
        raise _other(f"it does not fit what its record says that it was applied to ({error})") from None


def _other(text):
    return JournalError("MF643", text)
