"""`midflight status`: which code does a process run?

Owns: the words. In: what the agents say. Out: per process its state, and each module whose text is not its file's.
"""

import json

from ..report import short_path
from . import LIVE
from .live import ask, command, list_processes


@command
def status(options):
    if options.target is None:
        return list_processes(options)
    answers = ask(options, "status")
    if options.json:
        print(json.dumps({"event": "status", "processes": [answer for _, answer in answers]}, ensure_ascii=False))
        return LIVE
    for process, answer in answers:
        _show(process, answer, options.verbose)
    return LIVE


def _show(process, answer, verbose):
    code = answer.get("code", {})
    same = sum(one["same"] for one in code.values())
    print(f"process {process.label}  {answer['name']}   " + (f"runs update #{answer['running']}" if answer["running"] else "as started")
          + (f", epoch {answer['epoch']}" if answer.get("epoch") else "") + f"   mode {answer['mode']}")
    if not answer["supported"]:
        print(f"    updates are rejected: {answer['why']}")
    if answer["disabled"]:
        print("    updates are switched off")
    print(f"    {same} of {len(code)} modules run what their files say"
          + (f"; watching ({answer['watching']})" if answer["watching"] else "; not watching"))
    for name, one in code.items():
        if verbose or not one["same"]:
            state = "=" if one["same"] else "its text is not known" if one["runs"] is None else "the file is gone" if one["file_has"] is None \
                else "runs another text than its file has"
            print(f"    {name:<24} {(one['runs'] or '?')[:12]:<12}  {short_path(one['file'])}  {state}")
    for path in answer["pending"]:
        print(f"    pending: {short_path(path)} was rejected; the next save is tried again")
    for entry in answer["stragglers"]:
        print(f"    straggler: {entry['text']}")
    for id in answer.get("waiting_for_modules", ()):
        print(f"    hotfix {id} is kept for workers that are born later")
