"""`midflight plan TARGET [PATH ...]`: what an update of a live process would do; nothing is run or changed.

Owns: nothing of its own. Out: the steps, per process.
"""

import json
import os

from . import LIVE, REJECTED
from .live import ask, command, list_processes, show_report


@command
def plan(options):
    if options.target is None:
        return list_processes(options)
    paths = [os.path.abspath(path) for path in options.paths] or None
    answers = ask(options, "plan", {"paths": paths})
    if options.json:
        print(json.dumps({"event": "plan", "processes": [answer for _, answer in answers]}, ensure_ascii=False))
    else:
        for process, answer in answers:
            show_report(process, answer, options.verbose, alone=len(answers) == 1)
    return REJECTED if any(answer["outcome"] in ("rejected", "rolled back") for _, answer in answers) else LIVE
