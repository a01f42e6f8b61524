"""`midflight confirm TARGET ID`: a hotfix is to stay. `midflight retire TARGET ID`: no start has it any more.

Owns: the words. In: what the agents say. Out: a line per process; 0 done, 3 refused.
"""

import json

from ..attach import client
from ..attach.client import CallFailed
from . import LIVE, REJECTED, WRONG_CALL
from .live import command, fail, members

_DONE = {"confirm": "every start has it from now on", "retire": "no start has it any more"}


@command
def confirm(options):
    there = members(options)
    if there is None:
        return LIVE if options.json else WRONG_CALL
    if options.id is None:
        return fail(options, "which hotfix? midflight status says its id", WRONG_CALL)
    answers = []
    for process in there:
        with client.Connection(process.path) as connection:
            try:
                answers.append(connection.call(options.command, {"id": options.id}, timeout=options.timeout))
            except CallFailed as error:
                if error.ours is None or error.ours in ("MF680", "MF681"):
                    raise
                answers.append({"pid": process.pid, "outcome": "rejected", "code": error.ours, "text": str(error)})
    refused = [answer for answer in answers if answer["outcome"] != "committed"]
    code = REJECTED if refused else LIVE
    if options.json:
        print(json.dumps({"event": options.command, "outcome": "rejected" if refused else "committed", "processes": answers},
                         ensure_ascii=False))
        return code
    for answer in refused:
        print(f"midflight       process {answer['pid']}: {answer['text']}")
    if not refused:
        print(f"midflight       hotfix {options.id} is {answers[0]['state']}: {_DONE[options.command]}")
    return code
