"""`midflight update TARGET [PATH ...]`: bring a live process, and its workers, to what the files say.

Owns: nothing of its own; attach/trees.py has the two phases.
"""

import os

from .live import command, run_on_tree


@command
def update(options):
    return run_on_tree(options, "update", {"paths": [os.path.abspath(path) for path in options.paths] or None})
