"""The hash that names a text: of sources, hotfixes, records, keys.

hashlib is imported when the first one is wanted: a host that ends Python 3.12 and starts it anew in one process crashes in
its second import (a keyword call of OpenSSL's module, whose parser outlives the interpreter). So who sends no hotfix never
meets it.
"""


def sha256(text):
    """Hexadecimal, of bytes or of a str as UTF-8."""
    import hashlib

    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()
