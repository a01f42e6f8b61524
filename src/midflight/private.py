"""Folders and files that decide what a process runs: who else could write there?

Owns: the one rule. In: a path. Out: nothing, or an OSError that names the place, what is wrong with it and what to do.
Whoever can write into a journal's folder can have code of theirs run at the next start, so such a folder belongs to us
or to root, nobody else may write into it, and no link and no folder above it lets somebody put another in its place.
"""

import errno
import os
import stat

_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def check_folder(path, what="folder"):
    """Raise PermissionError unless only we (and root) can change what lies in this folder."""
    found = os.lstat(path)
    if stat.S_ISLNK(found.st_mode):
        raise _refused(path, what, f"is a symbolic link; name the folder itself: {os.path.realpath(path)}")
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, f"{what}: this is no folder", path)
    _check_owner(found, path, what)
    if found.st_mode & _OTHERS:
        raise _refused(path, what, f"can be written by others; chmod go-w {path}")
    above = os.path.dirname(os.path.realpath(path))
    while True:
        found = os.lstat(above)
        if found.st_uid not in (0, os.geteuid()):
            raise _refused(path, what, f"lies in {above}, which belongs to user {found.st_uid}, who could replace it")
        if found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX:
            raise _refused(path, what, f"lies in {above}, where everybody can replace it; chmod o-w {above}")
        if above == os.path.dirname(above):
            return
        above = os.path.dirname(above)


def check_file(descriptor, path, what="file", secret=False):
    """Raise PermissionError unless this open file is a plain one that only we (and root) can change; secret: or read."""
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise _refused(path, what, "is no plain file")
    _check_owner(found, path, what)
    if found.st_mode & _OTHERS:
        raise _refused(path, what, f"can be written by others; chmod go-w {path}")
    if secret and found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise _refused(path, what, f"can be read by others; chmod 600 {path}")


def _check_owner(found, path, what):
    if found.st_uid not in (0, os.geteuid()):
        raise _refused(path, what, f"belongs to user {found.st_uid}, not to us ({os.geteuid()})")


def _refused(path, what, text):
    return PermissionError(errno.EPERM, f"{what}: it {text}", path)
