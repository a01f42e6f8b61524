"""`midflight verify`: what a release would do, and whose signatures it really bears."""

import json
import sys
import time

from ..hotfix.releases import Malformed, open_envelope, read_signed, seconds
from ..hotfix.signing import KeyProblem, public_keys, signers
from . import LIVE, REJECTED, WRONG_CALL


def verify(options):
    if options.threshold < 1:
        return _wrong(options, "--threshold is 1 or more", WRONG_CALL)
    try:
        with open(options.release, "rb") as file:
            data = file.read()
        keys = public_keys(options.key)
        text, signatures = open_envelope(data)
        found = read_signed(text)
        by = signers(text, signatures, keys) if keys else set()
    except Malformed as error:
        return _wrong(options, f"this is no release: {error}", REJECTED)
    except (OSError, KeyProblem) as error:
        return _wrong(options, str(error), WRONG_CALL)
    problems = _problems(options, found, signatures, keys, by)
    if options.json:
        print(json.dumps({"event": "verify", "good": not problems, "problems": problems, "signed_by": sorted(by),
                          "signatures": [id for id, _ in signatures], **json.loads(text)}, ensure_ascii=False))
        return REJECTED if problems else LIVE
    fix = found.hotfix
    print(f"{fix.form} {fix.id} for {found.target}, version {found.version}")
    print(f"  made {found.created}, good until {found.expires}")
    print("  " + ("permanent" if found.permanent else f"to be confirmed within {found.probation:g} s" if found.probation
                  else "current: to be confirmed, else the next start is without it"))
    for module, digest in sorted(fix.base.items()):
        print(f"  made for {module}  {digest[:16]}...")
    for id, _ in signatures:
        print(f"  signature of {id}: " + ("good" if id in by else "of no key that was given" if id not in keys else "WRONG")
              if keys else f"  signature of {id}: not checked (--key)")
    print("\n".join("    " + line for line in _shown(fix)))
    for problem in problems:
        print(f"NOT GOOD: {problem}")
    return REJECTED if problems else LIVE


def _problems(options, found, signatures, keys, by):
    out = []
    if not signatures:
        out.append("not signed")
    if keys and len(by) < options.threshold:
        out.append(f"signed by {len(by)} of the keys given, {options.threshold} are needed")
    if seconds(found.expires) <= time.time():
        out.append(f"expired: it was good until {found.expires}")
    if options.target and options.target != found.target:
        out.append(f"it is for {found.target}, not for {options.target}")
    return out


def _shown(fix):
    if fix.form != "modules":
        return [plain(line) for line in fix.text.splitlines()]
    return [plain(line) for name, text in json.loads(fix.text).items() for line in (f"== {name}", *text.splitlines())]


def plain(line):
    """What a terminal, or an editor, would hide from who reads it: control sequences, changes of direction."""
    return "".join(letter if letter.isprintable() or letter == "\t" else letter.encode("unicode_escape").decode() for letter in line)


def _wrong(options, text, code):
    if options.json:
        print(json.dumps({"event": "verify", "good": False, "problems": [text]}, ensure_ascii=False))
    else:
        sys.stderr.write(f"midflight verify: {options.release}: {text}\n")
    return code
