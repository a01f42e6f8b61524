"""`midflight sign`: one more signature on a release, or a new pair of keys."""

import os
import sys

from ..hotfix.releases import Malformed, open_envelope, read_signed, write
from ..hotfix.signing import KeyProblem, new_key, sign as make
from . import LIVE, REJECTED, WRONG_CALL
from .build import save


def sign(options):
    try:
        if options.new_key:
            return _new_key(options)
        if not options.release or not options.key:
            raise ValueError("which release, and which key? midflight sign FILE --key KEY (midflight sign --help)")
        with open(options.release, "rb") as file:
            data = file.read()
        try:
            text, signatures = open_envelope(data)
            found = read_signed(text)
        except Malformed as error:
            sys.stderr.write(f"midflight sign: {options.release}: this is no release: {error}\n")
            return REJECTED
        id, signature = make(text, options.key, _passphrase())
        save(options.release, write(text, [*(pair for pair in signatures if pair[0] != id), (id, signature)]))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"midflight sign: {error}\n")
        return WRONG_CALL
    others = sum(pair[0] != id for pair in signatures)
    print(f"{options.release}: signed by {id}" + (f", with {others} more" if others else "")
          + f": {found.hotfix.form} {found.hotfix.id} for {found.target}, version {found.version}, good until {found.expires}")
    return LIVE


def _passphrase():
    text = os.environ.get("MIDFLIGHT_PASSPHRASE")
    return text.encode() if text else None


def _new_key(options):
    try:
        line = new_key(options.new_key, options.comment, _passphrase())
    except FileExistsError as error:
        raise KeyProblem(f"{error.filename} is there already, and a key is never overwritten") from None
    print(f"{options.new_key}: your secret key (keep it to yourself)\n{options.new_key}.pub: {line}", end="")
    return LIVE
