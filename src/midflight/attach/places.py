"""Where agents have their sockets.

Owns: the folder's name and the rule about it; the names of sockets. In: the environment, the user. Out: paths. Both
sides use it: a process that opens its door, and a command that looks for doors.

The folder is `midflight` below the user's run-time folder (XDG_RUNTIME_DIR), or `midflight-UID` in /tmp where there is
none. It belongs to the user, nobody else may enter it, it is no link, and nobody else could put another in its place.
"""

import os
import re
import stat

_NAME = re.compile(r"^(\d+)(?:-(\d+))?\.sock$")


class Unsafe(OSError):
    """A folder that somebody else could have a hand in. The text says which, why, and what to do."""


def own(create=True):
    """The folder of this user's agents; made where it is not there. Unsafe, or another OSError."""
    above = os.environ.get("XDG_RUNTIME_DIR")
    if above and os.path.isdir(above):
        folder = os.path.join(os.path.abspath(above), "midflight")
    else:
        folder = _fallback(os.geteuid())
    check_above(os.path.dirname(folder))
    if create:
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            pass
    check(folder)
    return folder


def _fallback(user):
    return f"/tmp/midflight-{user}"


def check(folder, user=None):
    """Raise Unsafe unless this folder is the user's own and closed to all others."""
    user = os.geteuid() if user is None else user
    about = os.lstat(folder)
    if stat.S_ISLNK(about.st_mode):
        raise Unsafe(1, "the agents' folder is a symbolic link: remove it", folder)
    if not stat.S_ISDIR(about.st_mode):
        raise Unsafe(1, "the agents' folder is no folder: remove it", folder)
    if about.st_uid != user:
        raise Unsafe(1, f"the agents' folder belongs to user {about.st_uid}, not to {user}: set XDG_RUNTIME_DIR to a folder of your own",
                     folder)
    if about.st_mode & 0o077:
        raise Unsafe(1, f"the agents' folder is open to others (mode {about.st_mode & 0o777:o}): chmod 700 it, once you trust what lies in it",
                     folder)


def check_above(folder, user=None):
    """Raise Unsafe where somebody else could replace what lies in this folder."""
    user = os.geteuid() if user is None else user
    about = os.stat(folder)
    if about.st_uid not in (0, user):
        raise Unsafe(1, f"the run-time folder belongs to user {about.st_uid}, not to {user}: set XDG_RUNTIME_DIR to a folder of your own",
                     folder)
    if about.st_mode & 0o022 and not about.st_mode & stat.S_ISVTX:
        raise Unsafe(1, "others can replace what lies in the run-time folder: chmod go-w it, or set XDG_RUNTIME_DIR to another", folder)


def candidates(user=None, pid=None):
    """Folders that may hold sockets of this user: where we would put ours, where systems do, where that process would."""
    user = os.geteuid() if user is None else user
    above = [os.environ.get("XDG_RUNTIME_DIR"), f"/run/user/{user}", *([_of_process(pid)] if pid else ())]
    found = [os.path.join(os.path.abspath(one), "midflight") for one in above if one]
    return list(dict.fromkeys([*found, _fallback(user)]))


def _of_process(pid):
    """XDG_RUNTIME_DIR as that process was given it."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            entries = file.read().split(b"\0")
    except OSError:
        return None
    return next((os.fsdecode(entry[16:]) for entry in entries if entry.startswith(b"XDG_RUNTIME_DIR=")), None)


def socket_name(pid, interpreter=0):
    return f"{pid}-{interpreter}.sock" if interpreter else f"{pid}.sock"


def sockets(folder, user=None):
    """(path, pid, interpreter) of all sockets in a folder; none where it is not there; Unsafe where it is not to be trusted."""
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    check(folder, user)
    found = [(name, _NAME.match(name)) for name in names]
    return sorted((os.path.join(folder, name), int(match[1]), int(match[2] or 0)) for name, match in found if match)


def sweep(folder):
    """Sockets of processes that do not exist any more go."""
    for path, pid, _ in sockets(folder):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            try:
                os.unlink(path)
            except FileNotFoundError:          # somebody else has just done the same
                pass
        except PermissionError:                # it lives, under another user
            pass
