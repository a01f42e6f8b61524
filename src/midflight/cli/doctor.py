"""`midflight doctor`: what works here, and how to open a door that is shut.

Owns: the questions asked of the machine, the folder and the engine. In: a program or a folder. Out: one line per
question, with the remedy where the answer is bad. Starts nothing and changes nothing.
"""

import json
import os
import platform
import sys

from .. import __version__, api
from ..errors import ConfigurationError
from ..rules import Rules
from ..settings import DEFAULTS, KNOWN
from . import LIVE, REJECTED, WRONG_CALL

_NETWORK = ("nfs", "cifs", "smb", "9p", "fuse", "vboxsf", "virtiofs", "drvfs", "prl_fs", "afs", "ceph")
_INOTIFY = "/proc/sys/fs/inotify/"


def doctor(options):
    if options.path is not None and not os.path.exists(options.path):
        from .live import doctor_of

        return doctor_of(options)
    path = os.path.abspath(options.path or os.getcwd())
    rows, result = [], LIVE

    def row(name, value, good=True, remedy=None):
        rows.append({"name": name, "value": value, "good": good, "remedy": remedy})

    row("midflight", __version__)
    row("python", f"{platform.python_version()} {platform.python_implementation()} ({sys.executable or 'embedded'})")
    row("system", f"{platform.system()} {platform.release()} {platform.machine()}")
    reason = api.supported()
    row("engine", "updates work" if reason is None else f"updates are rejected: {reason}", reason is None,
        None if reason is None else "use a CPython that midflight supports: 3.11 and later, with the GIL")
    try:
        rules = Rules(main=path)
    except ConfigurationError as error:
        row("settings", str(error), False, "correct the setting")
        return _answer(options, rows, WRONG_CALL)
    if rules.settings["disabled"]:
        row("switched off", "MIDFLIGHT_DISABLE is set, or disabled = true", False, "unset it")
    if reason is not None or rules.settings["disabled"]:
        result = REJECTED
    row("settings", rules.config_file or "no [tool.midflight]: all defaults")
    for name, value in rules.settings.items():
        if name not in ("roots", "disabled") and value != DEFAULTS[name]:
            row("setting", f"{name} = {json.dumps(value)}")
    for root in rules.roots:
        folders, files = _size(root, rules)
        row("root", f"{root}: {files} source files in {folders} folders", files > 0,
            None if files else "no source file takes part here: name roots in [tool.midflight], or with --root")
        _watching(row, root, folders)
    unknown = sorted(name for name in os.environ if name.startswith("MIDFLIGHT_") and not _known(name))
    if unknown:
        row("environment", "not known: " + ", ".join(unknown), False, "see `midflight run --help` for the names")
    _control(row, rules)
    terminal = all(_is_terminal(descriptor) for descriptor in (0, 1))
    row("keys", "work: standard input and output are a terminal" if terminal else
        "off: standard input or output is no terminal; midflight.update() in the program does what r does")
    return _answer(options, rows, result)


def _answer(options, rows, result):
    if options.json:
        print(json.dumps({"event": "doctor", "good": result == LIVE, "rows": rows}, ensure_ascii=False))
        return result
    for row in rows:
        print(f"{'ok ' if row['good'] else '!! '} {row['name']:<12}  {row['value']}")
        if row["remedy"] and not row["good"]:
            print(f"{'':17} -> {row['remedy']}")
    return result


def _control(row, rules):
    """Whether processes can be reached from outside, prepared ones and others."""
    from ..attach import doors, places

    if rules.settings["agent"] is False:
        row("agent", "off: agent = false, or MIDFLIGHT_AGENT=0")
    try:
        row("agent", f"sockets in {places.own(create=False)}")
    except FileNotFoundError as error:
        row("agent", f"sockets will be in {error.filename}")
    except OSError as error:
        row("agent", f"{error.filename}: {error.strerror}", False, "no process can be reached until then")
    way, remedy = doors.way_in()
    row("attach", way, remedy is None, remedy)


def _watching(row, root, folders):
    kind = _file_system(root)
    if kind is not None and kind.startswith(_NETWORK):
        row("watching", f"{root} is on {kind}, which may send no events", False,
            "midflight run --poll, or poll = true in [tool.midflight]")
    limit = _number(_INOTIFY + "max_user_watches")
    if not sys.platform.startswith("linux"):
        row("watching", "by polling (events are used on Linux)")
    elif limit is None:
        row("watching", "by polling: this system has no inotify", False, "updates work, a little later after each save")
    elif folders > limit * 0.8:
        row("watching", f"{folders} folders, and inotify allows {limit} watches per user", False,
            f"sysctl fs.inotify.max_user_watches={max(524288, folders * 4)}, or narrower roots, or --poll")
    else:
        row("watching", f"inotify, {limit} watches allowed, {folders} needed")
    instances = _number(_INOTIFY + "max_user_instances")
    if instances is not None and instances < 16:
        row("watching", f"only {instances} inotify instances per user", False,
            "sysctl fs.inotify.max_user_instances=512, if `midflight run` says that it polls")


def _size(root, rules):
    """(folders to watch, files that take part)."""
    folders = files = 0
    for place, below, names in os.walk(root):
        below[:] = [name for name in below if not name.startswith(".") and name not in ("__pycache__", "node_modules")
                    and not os.path.exists(os.path.join(place, name, "pyvenv.cfg"))]
        folders += 1
        files += sum(name.endswith((".py", ".pyw")) and rules.is_target(os.path.join(place, name)) for name in names)
    return folders, files


def _file_system(path):
    """The type of the file system that a path lies on, as the kernel calls it."""
    best, kind = "", None
    try:
        with open("/proc/self/mounts", encoding="utf-8", errors="replace") as mounts:
            for line in mounts:
                fields = line.split(" ")
                place = fields[1].replace("\\040", " ")
                if len(place) >= len(best) and (path + "/").startswith(place.rstrip("/") + "/"):
                    best, kind = place, fields[2]
    except (OSError, IndexError):
        return None
    return kind


def _number(path):
    try:
        with open(path) as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


def _known(variable):
    name = variable.removeprefix("MIDFLIGHT_").lower()
    return name in KNOWN or name == "disable" or name.startswith(("lever", "trace"))


def _is_terminal(descriptor):
    try:
        return os.isatty(descriptor)
    except OSError:
        return False
