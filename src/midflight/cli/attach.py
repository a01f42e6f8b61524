"""`midflight attach TARGET`: open a door into a process that has none, and follow its updates.

Owns: the words. In: events of the agent's socket. Out: the lines that `midflight run` would print; Ctrl-C leaves, the
process goes on.
"""

import json

from ..attach import client
from ..attach.client import NotReachable
from ..report import Report
from . import LIVE, NOT_REACHABLE
from .live import command, list_processes


@command
def attach(options):
    if options.target is None:
        return list_processes(options)
    process = _reached(options)
    if options.once:
        _say(options, {"event": "attached", **process.hello}, f"process {process.label} ({process.name}) can be reached: {process.path}")
        return LIVE
    with client.Connection(process.path) as connection:
        _say(options, {"event": "attached", **process.hello},
             f"midflight  attached to process {process.label} ({process.name}); Ctrl-C leaves, the process goes on")
        try:
            for method, params in connection.events():
                if method == "update":
                    _say(options, params, str(Report(params)))
                elif method == "note":
                    _say(options, {"event": "note", **params}, f"{'midflight':16}{params.get('text')}")
        except KeyboardInterrupt:
            return LIVE
    _say(options, {"event": "ended"}, "midflight  the process has ended, or has closed its door")
    return NOT_REACHABLE


def _reached(options):
    try:
        found = client.resolve(options.target)
    except NotReachable:
        if not options.target.isdecimal():
            raise
        from ..attach import doors

        doors.open_door(int(options.target), timeout=options.timeout)
        found = client.resolve(options.target)
    if len(found) > 1:
        from ..attach import trees

        root = trees.one_tree(found)
        if root is None:
            raise NotReachable(f"{len(found)} processes are called {options.target!r}: name a PID of "
                               + ", ".join(one.label for one in found))
        return root
    return found[0]


def _say(options, data, text):
    print(json.dumps(data, ensure_ascii=False) if options.json else text, flush=True)
