"""Hostile releases: whatever comes, it is refused, or it is one that a key has signed.

    python fuzz/fuzz_release.py SECONDS [--seed N]

Good releases are cut, spliced, changed byte by byte and value by value, their signed texts too, with and without a good
signature. Any exception but Malformed is a failure, and so is a release that is admitted although its signed text is none
that the key has signed. A failure is written to the standard output as a Python expression.
"""

import argparse
import json
import random
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "tests/package")]

from midflight.hotfix import signing  # noqa: E402
from midflight.hotfix.releases import Malformed, canonical, open_envelope, read_signed, write  # noqa: E402

VALUES = [None, True, False, 0, 1, -1, 2 ** 64, 10 ** 300, 1e308, 0.5, "", "\0", "x" * 5000, "\ud800", "\u202e", "é", [], {}, [[]], {"": {}},
          "2030-01-31T12:00:00Z", "9999-99-99T99:99:99Z", "patch", "script", "modules", "0" * 64, "A" * 88]
PIECES = [b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"\\u", b"\\ud800", b"NaN", b"1e999", b"-", b"\0", b"\xff", b"\xef\xbb\xbf", b"\n", b"null"]


class Signer:
    """One key for all: making one for each release would be all that this does."""

    def __init__(self):
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519

        self._key = ed25519.Ed25519PrivateKey.generate()
        raw = self._key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.keys = {signing.key_id(raw): raw}
        self.id = signing.key_id(raw)
        self.signed = set()

    def release(self, text):
        self.signed.add(text)
        return write(text, [(self.id, self._key.sign(signing._DOMAIN + text.encode()))])


def judge(data, signer):
    """ "malformed", "unsigned" or "good"; AssertionError for what was let in and should not have been."""
    try:
        text, signatures = open_envelope(data)
    except Malformed:
        return "malformed"
    by = signing.signers(text, signatures, signer.keys)
    assert not by or text in signer.signed, "let in: not what was signed"
    try:
        found = read_signed(text)
    except Malformed:
        return "malformed"
    assert found.text == text
    return "good" if by else "unsigned"


def texts():
    from releases import body

    yield body()
    yield body(base={}, probation=30, permanent=False)
    yield body(text="# " + "é" * 300, version=2 ** 53 - 1)


def change_value(chance, value, depth=0):
    """The same with one value, name or length changed somewhere."""
    if isinstance(value, dict) and value and chance.random() < 0.85:
        out, name = dict(value), chance.choice(list(value))
        what = chance.random()
        if what < 0.1:
            del out[name]
        elif what < 0.2:
            out[chance.choice(["x", name + " ", "", "__proto__"])] = out[name]
        else:
            out[name] = change_value(chance, value[name], depth + 1)
        return out
    if isinstance(value, list) and value and chance.random() < 0.6:
        return [change_value(chance, value[0], depth + 1), *value[1:]] * chance.choice((1, 1, 2, 50))
    return chance.choice(VALUES)


def change_bytes(chance, data):
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 5, 30))):
        at = chance.randrange(len(out) + 1)
        what = chance.random()
        if what < 0.3 and out:
            out[at % len(out)] ^= 1 << chance.randrange(8)
        elif what < 0.5:
            out[at:at] = chance.choice(PIECES) * chance.choice((1, 1, 1, 3, 2000))
        elif what < 0.7:
            del out[at:at + chance.choice((1, 2, 10, 1000))]
        elif what < 0.85:
            other = chance.randrange(len(out) + 1)
            out[at:at] = out[min(at, other):max(at, other)]
        else:
            del out[at:]
    return bytes(out)


def one(chance, signer, seeds):
    text = chance.choice(seeds)
    what = chance.random()
    if what < 0.3:
        return change_bytes(chance, signer.release(text))
    if what < 0.5:
        return json.dumps(change_value(chance, json.loads(signer.release(text)))).encode()
    if what < 0.75:
        changed = change_value(chance, json.loads(text))
        if chance.random() < 0.5:
            changed = change_value(chance, changed)
    else:
        changed = change_bytes(chance, text.encode()).decode("utf-8", "replace")
        return signer.release(changed)
    try:
        changed = canonical(changed)
        changed.encode()
    except (ValueError, UnicodeEncodeError):
        return json.dumps({"midflight-release": 1, "signed": json.dumps(changed), "signatures": []}).encode()
    return signer.release(changed)


def run(seconds, seed):
    """How many of each kind; raises with the release that failed."""
    chance, signer, seeds = random.Random(seed), Signer(), list(texts())
    assert [judge(signer.release(text), signer) for text in seeds] == ["good"] * len(seeds)
    counts, end = {"malformed": 0, "unsigned": 0, "good": 0}, time.monotonic() + seconds
    while time.monotonic() < end:
        data = one(chance, signer, seeds)
        try:
            counts[judge(data, signer)] += 1
        except BaseException as error:
            raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}: {data!r}") from error
    return counts


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seconds", type=float)
    parser.add_argument("--seed", type=int, default=time.time_ns())
    options = parser.parse_args()
    print(run(options.seconds, options.seed))
