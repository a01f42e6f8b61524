"""What the tests of releases share: keys, fixes, releases, made by hand where the tools would refuse to."""

import base64
import json
import time

from midflight.hotfix import Hotfix, releases as release, signing

SOURCE = "def price():\n    return 1\n"
FIXED = SOURCE.replace("1", "2")


def digest(text=SOURCE):
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()


def keys(folder, *names):
    for name in names:
        signing.new_key(folder / name)
    return [str(folder / f"{name}.pub") for name in names]


def body(**more):
    fix = more.pop("hotfix", None) or Hotfix(form="modules", id=more.pop("id", "two"), text=json.dumps({"shop": more.pop("text", FIXED)}),
                                             base=more.pop("base", {"shop": digest()}))
    given = {"target": "shop", "version": 1, "created": release.stamp(time.time()), "expires": release.stamp(time.time() + 3600),
             "permanent": True, "probation": None, "hotfix": fix, **more}
    return release.Release(**given).text


def signed(text, *secrets):
    return release.write(text, [signing.sign(text, secret) for secret in secrets])


def again(data, **more):
    """A release with other words in its envelope."""
    return json.dumps({**json.loads(data), **more}).encode()


def encoded(data):
    return base64.b64encode(data).decode()
