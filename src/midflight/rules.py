"""Which files take part in updates, and under which settings.

Owns: the roots' default, the rule that says whether a file is the program's own, the settings in force. In: the main
script, pyproject.toml, the environment, what start() was given. Out: a Rules object; the engine asks `is_target` once
per path, or, where it may (`by_folder`), once per folder.
"""

import os
import sys
from fnmatch import fnmatchcase

from . import settings

_PACKAGE = os.path.dirname(os.path.realpath(__file__))
_VCS = (".git", ".hg", ".svn", ".jj", "_darcs", ".fslckout", ".bzr")
_FOREIGN = frozenset(("site-packages", "dist-packages", "__pypackages__"))
_STDLIB = os.path.realpath(os.path.dirname(os.__file__))


class Rules:
    """The settings in force and the rule about targets that follows from them."""

    on_target = None           # called with each path that turns out to be a target: the launcher's diff keeps its text

    def __init__(self, arguments=None, main=None):
        self.config_file = None
        self._folders = {}             # folder -> (root, folder) as _judged gives it
        if settings.switched_off():    # nothing else is read then: it cannot be wrong
            self.settings, self.roots, self._by_length = {**settings.DEFAULTS, "roots": [], "disabled": True}, [], []
            self._patterns = False
            return
        given = settings.from_arguments(arguments or {})
        environment = settings.from_environment()
        roots = given.get("roots") or environment.get("roots")
        anchor = roots[0] if roots else _anchor(main)
        self.config_file, from_file = _configuration(anchor)
        self.settings = {**settings.DEFAULTS, **from_file, **environment, **given}
        for name, value in (("mode", "prod"), ("control", False)):     # whoever shuts a door, it is shut
            if value in [where.get(name) for where in (from_file, environment, given)]:
                self.settings[name] = value
        found = self.settings["roots"] or _defaults(anchor)
        self.roots = self.settings["roots"] = list(dict.fromkeys(found))
        self._by_length = sorted(self.roots, key=len, reverse=True)
        self._patterns = bool(self.settings["include"] or self.settings["exclude"])

    def for_engine(self):
        """The dict that the engine's configure() takes."""
        ours = ("include", "exclude", "journal", "agent", "name", "mode", "target", "keys", "threshold", "max_pause_ms", "max_instances",
                "control", "audit")
        return {name: list(value) if isinstance(value, tuple) else value
                for name, value in self.settings.items() if name not in ours} | {
                    "is_target": self.is_target, "by_folder": not self._patterns and self.on_target is None}

    def is_target(self, path, module=None):
        """Is this file the program's own? The engine keeps the answer; files of one folder share most of the work."""
        if not isinstance(path, str) or not path or path[0] == "<":
            return False
        given = os.path.abspath(path)
        folder, name = os.path.split(given)
        if os.path.islink(given):
            real, name = os.path.split(os.path.realpath(given))
            root, place = self._judged(folder, real)
            if place == folder:
                name = os.path.basename(given)
        else:
            if folder not in self._folders:
                self._folders[folder] = self._judged(folder, os.path.realpath(folder))
            root, place = self._folders[folder]
        if root is None:
            return False
        file = os.path.relpath(os.path.join(place, name), root).replace(os.sep, "/") if self._patterns else name
        if self.settings["include"] and not _matches(self.settings["include"], file, module):
            return False
        if self.settings["exclude"] and _matches(self.settings["exclude"], file, module):
            return False
        if self.on_target is not None:
            self.on_target(path)
        return True

    def _judged(self, given, real):
        """(root, folder below it) for files of a folder, as it was named and as it really is; (None, None): not ours."""
        root, place = self._root_of(real), real
        if root is None:               # a link under a root that leads elsewhere
            root, place = self._root_of(given), given
            if root is None or _foreign(real, os.sep):
                return None, None
        if _under(real, _PACKAGE) or _foreign(place, root) or (_under(real, _STDLIB) and not _under(root, _STDLIB)):
            return None, None
        return root, place

    def _root_of(self, path):
        return next((root for root in self._by_length if _under(path, root)), None)


def default_roots(main=None):
    """The roots where nobody names any: what `doctor` shows."""
    return _defaults(_anchor(main))


def _defaults(anchor):
    """The project; and the program's own folder where the project hides it: folders like .tools are not watched."""
    project = _project(anchor) if anchor else None
    if project is None:
        return [anchor] if anchor else []
    hidden = any(name.startswith(".") for name in os.path.relpath(anchor, project).split(os.sep) if name != os.curdir)
    return [project, anchor] if hidden else [project]


def _anchor(main):
    """The main script's folder, or the working folder where the script belongs to an environment or is not there."""
    if main is None:
        main = getattr(sys.modules.get("__main__"), "__file__", None)
    if isinstance(main, str) and main:
        folder = os.path.realpath(main)
        if not os.path.isdir(folder):
            folder = os.path.dirname(folder)
        if os.path.isdir(folder) and not _of_an_environment(folder):
            return folder
    try:
        return os.path.realpath(os.getcwd())
    except OSError:                    # it has been removed
        return None


def _of_an_environment(folder):
    if folder in (os.path.realpath(os.path.dirname(sys.executable or os.sep)), _PACKAGE) or _under(folder, _STDLIB):
        return True
    return any(os.path.basename(parent) in _FOREIGN or os.path.exists(os.path.join(parent, "pyvenv.cfg"))
               for parent in _upwards(folder))


def _project(folder):
    """The nearest folder at or above this one that is a project's; never the home folder or the top of the disk."""
    never = {os.path.realpath(os.path.expanduser("~")), os.path.abspath(os.sep)}
    for parent in _upwards(folder):
        if parent in never:
            return None
        if any(os.path.exists(os.path.join(parent, name)) for name in ("pyproject.toml", *_VCS)):
            return parent
    return None


def _configuration(folder):
    """(file, settings) of the nearest pyproject.toml that speaks of midflight; the search ends at the repository."""
    for parent in _upwards(folder) if folder else ():
        path = os.path.join(parent, "pyproject.toml")
        found = settings.from_file(path)
        if found is not None:
            return path, found
        if any(os.path.exists(os.path.join(parent, name)) for name in _VCS):
            break
    return None, {}


def _upwards(folder):
    while True:
        yield folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return
        folder = parent


def _under(path, folder):
    return path == folder or path.startswith(folder if folder.endswith(os.sep) else folder + os.sep)


def _foreign(folder, root):
    """From the root down to this folder: one of installed packages, or a virtual environment?"""
    while folder != root and _under(folder, root):
        if os.path.basename(folder) in _FOREIGN or os.path.exists(os.path.join(folder, "pyvenv.cfg")):
            return True
        folder = os.path.dirname(folder)
    return False


def _matches(patterns, file, module):
    """A pattern means a module or a path under a root, and everything below it: "shop", "shop.*", "tests/*_slow.py"."""
    names = list(_prefixes(file, "/")) + (list(_prefixes(module, ".")) if module else [])
    return any(fnmatchcase(name, pattern.rstrip("/")) for pattern in patterns for name in names)


def _prefixes(name, separator):
    parts = name.split(separator)
    return (separator.join(parts[:end]) for end in range(1, len(parts) + 1))
