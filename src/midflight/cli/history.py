"""`midflight history TARGET`: the updates of a live process, oldest first.

Owns: the words. In: what the agents say. Out: a line per update, and what the journal has where one is kept.
"""

import json

from . import LIVE
from .live import ask, command, list_processes, show_report


@command
def history(options):
    if options.target is None:
        return list_processes(options)
    answers = ask(options, "history", {"count": options.count})
    if options.json:
        print(json.dumps({"event": "history", "processes": [{"pid": process.pid, **answer} for process, answer in answers]},
                         ensure_ascii=False))
        return LIVE
    for process, answer in answers:
        if len(answers) > 1:
            print(f"process {process.label}  {process.name}")
        for one in answer["updates"]:
            show_report(process, one, options.verbose)
        if not answer["updates"]:
            print("no update yet")
        for record in answer["journal"] or ():
            print("journal  " + json.dumps(record, ensure_ascii=False))
    return LIVE
