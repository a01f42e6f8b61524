"""Keys and signatures: Ed25519, by the package `cryptography` (pip install 'midflight[sign]').

Owns: key files and what a signature is over. In: paths, texts. Out: key ids, signatures, the set of keys that have really
signed. A secret key is a PEM file that only its owner can read; a public key is one line of text:

    midflight-key ed25519 BASE64 COMMENT
"""

import base64
import binascii
import os

from ..hashes import sha256
from ..private import check_file

_DOMAIN = b"midflight release 1\n"       # in front of what is signed: a signature for something else is none for us
_WORD, _KIND = "midflight-key", "ed25519"


class KeyProblem(ValueError):
    """A key file is not what it should be; the text names it and the way out."""


def _library():
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        raise KeyProblem(f"signatures need the package cryptography: pip install 'midflight[sign]' ({error})") from None
    return ed25519, serialization, InvalidSignature


def key_id(raw):
    return sha256(raw)[:32]


def new_key(path, comment="", passphrase=None):
    """Make a pair: the secret one in `path`, the public one in path.pub. Returns the public line."""
    ed25519, serialization, _ = _library()
    key = ed25519.Ed25519PrivateKey.generate()
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    secured = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, secured)
    line = " ".join([_WORD, _KIND, base64.b64encode(raw).decode(), *comment.split()]) + "\n"
    _write_new(path, pem, 0o600)
    _write_new(f"{path}.pub", line.encode(), 0o644)
    return line


def _write_new(path, data, mode):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sign(text, path, passphrase=None):
    """(key id, signature) of a text, by the secret key in this file."""
    ed25519, serialization, _ = _library()
    data = _read(path, secret=True)
    try:
        key = serialization.load_pem_private_key(data, passphrase)
    except (ValueError, TypeError) as error:
        raise KeyProblem(f"{path}: no secret key: {error}") from None
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise KeyProblem(f"{path}: not an Ed25519 key")
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return key_id(raw), key.sign(_DOMAIN + text.encode())


def public_keys(given, place="keys"):
    """{key id: 32 bytes} of files, and of lines themselves. The same key twice is one key."""
    keys = {}
    for one in given:
        lines = [one] if one.startswith(_WORD + " ") else _read(one).decode("utf-8", "replace").splitlines()
        where = place if one.startswith(_WORD + " ") else one
        found = [_public(line, where) for line in lines if line.strip() and not line.startswith("#")]
        if not found:
            raise KeyProblem(f"{where}: no key in it")
        keys.update((key_id(raw), raw) for raw in found)
    return keys


def _public(line, where):
    words = line.split()
    try:
        raw = base64.b64decode(words[2], validate=True) if words[:2] == [_WORD, _KIND] and len(words) > 2 else b""
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32:
        raise KeyProblem(f"{where}: a public key is a line `{_WORD} {_KIND} BASE64 COMMENT`")
    return raw


def _read(path, secret=False):
    try:
        with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
            check_file(file.fileno(), path, "secret key" if secret else "key", secret)
            return file.read(1 << 16)
    except OSError as error:
        raise KeyProblem(f"{path}: {error.strerror or error}") from None


def signers(text, signatures, keys):
    """The ids of those of `keys` that have signed this text; each counts once, whatever the release repeats."""
    ed25519, _, invalid = _library()
    good, data = set(), _DOMAIN + text.encode()
    for id, signature in signatures:
        raw = keys.get(id)
        if raw is None or id in good:
            continue
        try:
            ed25519.Ed25519PublicKey.from_public_bytes(raw).verify(signature, data)
        except (invalid, ValueError):
            continue
        good.add(id)
    return good
