"""Who we are: the user, and the process in a way that no later one has.

Owns: these words for the journal. In: nothing, or such a word. Out: text; whether the process that it means still lives.
"""

import os


def who():
    user = os.geteuid()
    try:
        import pwd

        return pwd.getpwuid(user).pw_name
    except (ImportError, KeyError):
        return str(user)


def me():
    return f"{os.getpid()}/{_born(os.getpid())}"


def _born(pid):
    """When a process began, in ticks since the system did; "" where that cannot be known."""
    try:
        with _open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(b")")[2].split()[19].decode()
    except (OSError, IndexError):
        return ""


def lives(process):
    pid, _, born = process.partition("/")
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError, ValueError):
        return True
    return _born(int(pid)) == born


def _open(path):
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC), "rb")
