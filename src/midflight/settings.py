"""Configuration: what is allowed, where it stands, how it is read.

Owns: the table of settings and the three places a setting may come from; the later one wins: `[tool.midflight]` in
pyproject.toml, MIDFLIGHT_* in the environment, the arguments of `start()`. Out: a plain dict of checked values.
A wrong value is a ConfigurationError that names the place, the setting and what is allowed; nothing is guessed.
"""

import os

from .errors import ConfigurationError

POLICIES = ("keep", "new", "merge", "once")
_DATA = 'a table of "module:NAME" = ' + "|".join(f'"{policy}"' for policy in POLICIES)


def _texts(value):
    ok = isinstance(value, (list, tuple)) and all(isinstance(item, (str, os.PathLike)) for item in value)
    return [os.fspath(item) for item in value] if ok else None


def _number(value):
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 60_000 else None


def _path(value):
    return os.fspath(value) if isinstance(value, (str, os.PathLike)) and os.fspath(value) else None


def _limit(value):
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10 ** 9 else None


def _keys(value):
    """Files with public keys, or the lines themselves."""
    return _texts([value] if isinstance(value, str) else value)


def _target(value):
    ok = isinstance(value, str) and 0 < len(value) <= 100 and value[0].isalnum()
    return value if ok and value.isascii() and all(letter.isalnum() or letter in "_.-" for letter in value) else None


def _flag(value):
    return value if isinstance(value, bool) else None


def _name(value):
    ok = isinstance(value, str) and 0 < len(value) <= 64 and not value.isdigit()
    return value if ok and value.replace("-", "").replace("_", "").replace(".", "").isalnum() else None


def _rules(value):
    ok = isinstance(value, dict) and all(
        isinstance(key, str) and ":" in key and policy in POLICIES for key, policy in value.items())
    return dict(value) if ok else None


def _one_of(*words):
    return lambda value: value if value in words else None


def _some_of(*words):
    return lambda value: _texts(value) if _texts(value) is not None and set(value) <= set(words) else None


# name: (check, allowed values in words, value where nobody says anything)
KNOWN = {
    "roots": (_texts, "a list of folders", None),
    "include": (_texts, "a list of patterns", ()),
    "exclude": (_texts, "a list of patterns", ()),
    "data": (_rules, _DATA, {}),
    "stragglers": (_one_of("move", "finish", "wait", "reject"), '"move", "finish", "wait" or "reject"', "move"),
    "on_after_error": (_one_of("report", "undo"), '"report" or "undo"', "report"),
    "settle_ms": (_number, "a whole number from 0 to 60000", 50),
    "compat": (_some_of("python_reloader"), 'a list of "python_reloader"', ()),
    "safepoint": (_one_of("any", "main-thread", "poll"), '"any", "main-thread" or "poll"', "any"),
    "agent": (_flag, "true or false", None),
    "name": (_name, "a short text: letters, digits, - _ and dots, and not a number", None),
    "poll": (_flag, "true or false", False),
    "journal": (_path, "a folder", None),
    "mode": (_one_of("dev", "prod"), '"dev" or "prod"', "dev"),
    "target": (_target, "a name: up to 100 letters, digits and _ . -", None),
    "keys": (_keys, "a list of files with public keys", ()),
    "threshold": (lambda value: _limit(value) or None, "a whole number from 1 on", 1),
    "max_pause_ms": (_limit, "a whole number, 0: no limit", 0),
    "max_instances": (_limit, "a whole number", None),
    "control": (_flag, "true or false", True),
    "audit": (_path, '"syslog", or a file', None),
    "disabled": (_flag, "true or false", False),
}
DEFAULTS = {name: default for name, (_, _, default) in KNOWN.items()}
_IN_THE_ENVIRONMENT = {"MIDFLIGHT_" + name.upper(): name for name in KNOWN if name != "disabled"}
_IN_THE_ENVIRONMENT["MIDFLIGHT_DISABLE"] = "disabled"


def checked(name, value, place):
    """The value in its plain form, or ConfigurationError. place: where it stands, for the message."""
    if name not in KNOWN:
        from difflib import get_close_matches

        near = get_close_matches(name, KNOWN, 1)
        hint = f', did you mean "{near[0]}"?' if near else ""
        known = ", ".join(known for known in KNOWN if known != "disabled")
        raise ConfigurationError(f'{place}: no setting is called "{name}"{hint} (known: {known})')
    check, allowed, _ = KNOWN[name]
    plain = check(value)
    if plain is None:
        raise ConfigurationError(f"{place}: {name} = {value!r} is not allowed; it must be {allowed}")
    return plain


def from_file(path):
    """Settings of a pyproject.toml: None where it has no [tool.midflight]. Roots are taken from the file's folder."""
    try:
        with open(path, "rb") as file:
            text = file.read()
    except OSError:
        return None
    if b"midflight" not in text:            # spares most projects the parser
        return None
    import tomllib

    try:
        table = tomllib.loads(text.decode()).get("tool", {}).get("midflight")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: not valid TOML: {error}") from None
    if table is None:
        return None
    place = f"{path}: [tool.midflight]"
    if not isinstance(table, dict):
        raise ConfigurationError(f"{place} must be a table")
    found = {name: checked(name, value, place) for name, value in table.items()}
    if found.get("roots") is not None:
        found["roots"] = [_folder(root, os.path.dirname(path), place) for root in found["roots"]]
    below = os.path.dirname(path)
    if "journal" in found:
        found["journal"] = _beside(below, found["journal"])
    if found.get("audit") not in (None, "syslog"):
        found["audit"] = _beside(below, found["audit"])
    if "keys" in found:
        found["keys"] = [key if " " in key else _beside(below, key) for key in found["keys"]]
    return found


def switched_off(environ=None):
    """Does MIDFLIGHT_DISABLE=1 stand in the environment?"""
    environ = os.environ if environ is None else environ
    return _parsed("disabled", environ.get("MIDFLIGHT_DISABLE", "").strip()) is True


def from_environment(environ=None):
    """Settings of MIDFLIGHT_*. Lists are separated by commas, roots as PATH is, data is "module:NAME=policy,..."."""
    environ = os.environ if environ is None else environ
    found = {}
    for variable, name in _IN_THE_ENVIRONMENT.items():
        text = environ.get(variable, "").strip()
        if text:
            found[name] = checked(name, _parsed(name, text), variable)
    if found.get("roots") is not None:
        found["roots"] = [_folder(root, os.getcwd(), "MIDFLIGHT_ROOTS") for root in found["roots"]]
    return found


def from_arguments(arguments):
    """Settings given to start()."""
    found = {name: checked(name, value, "start()") for name, value in arguments.items() if value is not None}
    if "roots" in found:
        found["roots"] = [_folder(root, os.getcwd(), "start()") for root in found["roots"]]
    return found


def _parsed(name, text):
    check = KNOWN[name][0]
    if check in (_number, _limit) or name == "threshold":
        return int(text) if text.isdecimal() else text
    if check is _flag:
        return {"1": True, "true": True, "yes": True, "on": True,
                "0": False, "false": False, "no": False, "off": False}.get(text.lower(), text)
    if check is _rules:
        return dict(item.strip().rpartition("=")[::2] for item in text.split(",") if item.strip())
    if name == "roots":
        return [item for item in text.split(os.pathsep) if item]
    if isinstance(DEFAULTS[name], tuple):
        return [item.strip() for item in text.split(",") if item.strip()]
    return text


def _beside(folder, path):
    return os.path.join(folder, os.path.expanduser(path))


def _folder(root, base, place):
    path = os.path.realpath(os.path.join(base, os.path.expanduser(root)))
    if not os.path.isdir(path):
        raise ConfigurationError(f"{place}: roots: {root!r} is not a folder")
    return path
