"""midflight: change a Python program while it runs.

    midflight run app.py          from the command line: run it, save a file, the change is live
    midflight.start()             from inside a program, before its imports
    report = midflight.update()   and print(report)

After an update the process behaves as one started from the new source would, and keeps the state it has made.
"""

import os as _os

from .api import (confirm, history, hold, hotfix, plan, poll, release, reload, retire, start, status, take_back, track, undo, unwatch, update,
                  watch)
from .errors import ConfigurationError, EngineError, JournalError, MidflightError, UpdateRejected, Veto
from .hooks import off, on
from .report import Entry, Reason, Report

__version__ = "0.1.0"
__all__ = [
    "ConfigurationError", "EngineError", "Entry", "JournalError", "MidflightError", "Reason", "Report", "UpdateRejected", "Veto",
    "__version__", "confirm", "get_include", "history", "hold", "hotfix", "off", "on", "plan", "poll", "release", "reload", "retire", "start",
    "status", "take_back", "track", "undo", "unwatch", "update", "watch",
]


def get_include():
    """The folder of midflight.h, for extensions that talk to the engine."""
    here = _os.path.dirname(_os.path.abspath(__file__))
    installed = _os.path.join(here, "include")
    in_the_tree = _os.path.join(here, "..", "..", "include")
    for folder in (installed, in_the_tree):
        if _os.path.exists(_os.path.join(folder, "midflight.h")):
            return _os.path.normpath(folder)
    return installed
