"""A release: a hotfix with what has to be signed about it. Only its form; who may sign is trust.py's.

Owns: how a release is written and read. In: bytes from anywhere, hostile ones too. Out: a Release, or Malformed with what
is wrong; nothing is repaired, guessed or passed over.

    {"midflight-release": 1, "signed": TEXT, "signatures": [{"key": ID, "signature": BASE64}, ...]}

TEXT is what is signed, byte by byte: a JSON object in the one form that canonical() gives, with the target's name, a
version, the end of its validity and the hotfix. It is read only after the signatures have been found good.
"""

import base64
import binascii
import dataclasses
import json
import re
import time

from .fix import Hotfix

FORMAT = 1
LARGEST = 8 << 20              # bytes of a release
MOST_SIGNATURES = 32
_ENVELOPE = ("midflight-release", "signed", "signatures")
_BODY = ("target", "version", "created", "expires", "permanent", "probation", "hotfix")
_HOTFIX = ("form", "id", "text", "base")
_TARGET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_KEY = re.compile(r"[0-9a-f]{32}")
_HASH = re.compile(r"[0-9a-f]{64}")
_HIGHEST = 2 ** 53 - 1


class Malformed(ValueError):
    """This is no release."""


@dataclasses.dataclass(frozen=True)
class Release:
    target: str                # name of the program that it is for
    version: int               # higher than that of every release the target has taken
    created: str
    expires: str               # UTC, "2030-01-31T12:00:00Z"
    permanent: bool            # every start has it from the moment that it is live
    probation: float | None    # seconds in which it must be confirmed
    hotfix: Hotfix

    @property
    def text(self):
        """What is signed."""
        body = {name: getattr(self, name) for name in _BODY}
        body["hotfix"] = {name: getattr(self.hotfix, name) for name in _HOTFIX}
        return canonical(body)


def canonical(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def write(text, signatures):
    """The bytes of a release. signatures: (key id, 64 bytes) pairs."""
    made = [{"key": key, "signature": base64.b64encode(one).decode()} for key, one in signatures]
    return (json.dumps({"midflight-release": FORMAT, "signed": text, "signatures": made}, ensure_ascii=False, indent=1) + "\n").encode()


def open_envelope(data):
    """(signed text, [(key id, signature)]), nothing of it judged."""
    if not isinstance(data, (bytes, bytearray)):
        raise Malformed(f"a release is bytes, not {type(data).__name__}")
    if len(data) > LARGEST:
        raise Malformed(f"{len(data)} bytes are more than the {LARGEST} that a release may have")
    try:
        text = bytes(data).decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"not UTF-8: {error}") from None
    given = _object(_load(text, "the release"), _ENVELOPE, "the release")
    if type(given["midflight-release"]) is not int or given["midflight-release"] != FORMAT:
        raise Malformed(f"form {str(given['midflight-release'])[:20]} of releases; this midflight knows form {FORMAT}")
    if not isinstance(given["signed"], str) or not isinstance(given["signatures"], list):
        raise Malformed('"signed" is a text and "signatures" a list')
    try:
        given["signed"].encode()
    except UnicodeEncodeError:
        raise Malformed("the signed text has half a character (a lone surrogate)") from None
    if len(given["signatures"]) > MOST_SIGNATURES:
        raise Malformed(f"{len(given['signatures'])} signatures are more than the {MOST_SIGNATURES} that a release may have")
    return given["signed"], [_signature(one) for one in given["signatures"]]


def _signature(given):
    given = _object(given, ("key", "signature"), "a signature")
    if not isinstance(given["key"], str) or not _KEY.fullmatch(given["key"]):
        raise Malformed("the key of a signature is 32 hex digits")
    try:
        made = base64.b64decode(given["signature"], validate=True) if isinstance(given["signature"], str) else b""
    except (binascii.Error, ValueError):
        made = b""
    if len(made) != 64:
        raise Malformed("a signature is 64 bytes in base64")
    return given["key"], made


def read_signed(text):
    """The Release that a signed text is."""
    given = _object(_load(text, "the signed text"), _BODY, "the signed text")
    fix = _object(given["hotfix"], _HOTFIX, "the hotfix")
    if not isinstance(given["target"], str) or not _TARGET.fullmatch(given["target"]):
        raise Malformed("target is a name: up to 100 letters, digits and _ . -")
    if type(given["version"]) is not int or not 0 < given["version"] <= _HIGHEST:
        raise Malformed("version is a whole number from 1 on")
    for name in ("created", "expires"):
        seconds(given[name], name)
    if not isinstance(given["permanent"], bool):
        raise Malformed("permanent is true or false")
    probation = given["probation"]
    if probation is not None and (type(probation) not in (int, float) or not 0 < probation <= 10 ** 7):
        raise Malformed("probation is a number of seconds, or null")
    for name in ("form", "id", "text"):
        if not isinstance(fix[name], str):
            raise Malformed(f"{name} of the hotfix is a text")
    if not isinstance(fix["base"], dict) or not all(isinstance(one, str) and _HASH.fullmatch(one) for one in fix["base"].values()):
        raise Malformed("base of the hotfix is an object of module -> sha256, 64 hex digits")
    try:
        fix = Hotfix(**fix)
    except ValueError as error:
        raise Malformed(str(error)) from None
    release = Release(**{**given, "hotfix": fix})
    if release.text != text:
        raise Malformed("the signed text is not in its one form (spaces, order or escapes differ)")
    return release


def seconds(text, name="time"):
    """A time as a release has it, in seconds since 1970."""
    import calendar

    if not isinstance(text, str) or not _TIME.fullmatch(text):
        raise Malformed(f"{name} is a time like 2030-01-31T12:00:00Z")
    try:
        return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))
    except (ValueError, OverflowError):
        raise Malformed(f"{name}: {text} is no time") from None


def stamp(moment):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def _load(text, what):
    try:
        text.encode()                          # no lone surrogates: they are no text, and could not be signed
        return json.loads(text, object_pairs_hook=_pairs, parse_constant=_constant)
    except (Malformed, RecursionError, ValueError) as error:
        raise Malformed(f"{what} is no JSON: {type(error).__name__ if isinstance(error, RecursionError) else error}") from None


def _pairs(pairs):
    out = dict(pairs)
    if len(out) != len(pairs):
        raise Malformed("a name stands in an object twice")
    for name in out:
        name.encode()
    return out


def _constant(name):
    raise Malformed(f"{name} is no number")


def _object(value, names, what):
    """Exactly these names: one that we do not know could mean that we must not take it."""
    if not isinstance(value, dict):
        raise Malformed(f"{what} is a JSON object")
    unknown, missing = sorted(set(value) - set(names)), sorted(set(names) - set(value))
    if unknown or missing:
        raise Malformed(f"{what}: " + "; ".join(
            [f"unknown: {', '.join(ascii(name[:40]) for name in unknown[:5])}"] * bool(unknown) + [f"missing: {', '.join(missing)}"] * bool(missing)))
    return value
