"""`midflight undo TARGET`: back to what ran before the last update or hotfix, with the data that it replaced.

Owns: which undo is meant: in a tree it is that of the last command, wherever it went. Out: as update.
"""

from ..attach import client, trees
from . import LIVE, WRONG_CALL
from .live import command, members, progress_for, show_outcome


@command
def undo(options):
    there = members(options)
    if there is None:
        return LIVE if options.json else WRONG_CALL
    epochs = {}
    for process in there:
        with client.Connection(process.path) as connection:
            epochs[process] = connection.call("status", {"modules": False}, timeout=options.timeout).get("epoch")
    last, params = epochs[there[0]], {"to": options.to}
    if last is not None and options.to is None and len(there) > 1:
        # a worker that has not got it began after it, from the files
        params, there = {"epoch": last}, [process for process in there if epochs[process] == last]
    command = trees.Command("undo", params, timeout=options.timeout, progress=progress_for(options))
    return show_outcome(options, command.run(there, dry_run=options.dry_run))
