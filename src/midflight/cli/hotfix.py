"""`midflight hotfix TARGET FILE`: send a fix into a live process and its workers.

Owns: the reading of FILE: a patch, a script, a JSON object of module -> source, or a signed release. Out: as update.
"""

import base64
import sys

from ..hotfix.fix import read
from . import WRONG_CALL
from .live import command, fail, list_processes, run_on_tree


@command
def hotfix(options):
    if options.target is None:
        return list_processes(options)
    if options.file is None:
        return fail(options, "which file? A patch, a Python script, a JSON object of module -> source, or a release (--release)", WRONG_CALL)
    try:
        if options.file == "-":
            data = sys.stdin.buffer.read()
        else:
            with open(options.file, "rb") as file:
                data = file.read()
        if options.release:
            params = {"release": base64.b64encode(data).decode()}
        else:
            fix = read(data, id=options.id)
            params = {"text": data.decode("utf-8-sig"), "id": fix.id}
    except (OSError, ValueError) as error:
        return fail(options, str(error), WRONG_CALL)
    return run_on_tree(options, "hotfix", {**params, "permanent": options.permanent or None})
