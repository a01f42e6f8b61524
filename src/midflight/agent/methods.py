"""What the agent does for who asks: look, update, hotfix, go back.

Owns: the meaning of each method. In: checked parameters. Out: plain data. A rejected update is an answer as good as a
committed one; an error is for what could not even be tried.

Process trees: one command goes to a parent and its workers. Every member that takes part notes the command's id, its
*epoch*; a forked child begins with its parent's. What a member could not take because it has not loaded the modules
(a master that only starts workers) is kept for its children: newborn.py.
"""

import os
import sys

from .. import api
from ..hashes import sha256
from . import newborn
from .calls import PARAMETERS, Refused, take

name = None              # of the program, for people
_epochs = []             # of this process: {"epoch": id, "number": of the update, None: nothing to do here}


def mode():
    """ "dev", or "prod" where only signed releases are taken."""
    return api.rules().settings.get("mode") or "dev"


def _report(report):
    out = report.to_dict()
    out["pid"] = os.getpid()
    return out


def _texts(files):
    """Hashes of files as they are now: what a dry run has seen, and the commit must find again."""
    out = {}
    for path in files:
        try:
            with open(path, "rb") as file:
                out[path] = sha256(file.read())
        except OSError:
            out[path] = None
    return out


def _note_epoch(epoch, report):
    if epoch and not report.dry_run and report.outcome in ("committed", "skipped"):
        number = report.number if report.outcome == "committed" else None
        _epochs.append({"epoch": epoch, "number": number})
        del _epochs[:-100]


def status(params):
    """Which code runs: per module the hash of its text and whether the file says the same; pending, stragglers, epoch."""
    (texts,) = take(params, modules=bool)
    out = {**api.status(), "pid": os.getpid(), "parent": os.getppid(), "name": name, "mode": mode(),
           "epoch": _epochs[-1]["epoch"] if _epochs else None, "waiting_for_modules": newborn.waiting()}
    last = api.history()[-1:]
    out["last"] = _report(last[0]) if last else None
    out["stragglers"] = [entry.to_dict() for entry in last[0].stragglers] if last else []
    if texts is not False:
        out["code"] = {module: _code(path, text) for module, (path, text) in sorted(api.running().items())
                       if api.rules().is_target(path)}
    return out


def _code(path, text):
    from ..hotfix.fix import digest_of

    try:
        with open(path, "rb") as file:
            there = digest_of(file.read())
    except (OSError, SyntaxError, UnicodeError, TypeError):
        there = None
    runs = None if text is None else digest_of(text)
    return {"file": path, "runs": runs, "file_has": there, "same": runs is not None and runs == there}


def plan(params):
    """What an update would do; runs nothing."""
    (paths,) = take(params, paths=list)
    return _report(api.plan(_paths(paths)))


def update(params):
    """expect: {path: sha256} that the files must have; epoch: the command that this is a part of."""
    paths, sources, dry_run, expect, epoch = take(params, paths=list, sources=dict, dry_run=bool, expect=dict, epoch=str)
    _may_change("update")              # a dry run runs what the files say, too
    paths = _paths(paths)
    for path, digest in (expect or {}).items():
        if _texts([path])[path] != digest:
            raise Refused(f"{path} has been changed since it was tried", ours="MF683")
    report = api.update(paths, sources=sources, dry_run=bool(dry_run))
    _note_epoch(epoch, report)
    return {**_report(report), "texts": _texts(report.files)}


def hotfix(params):
    """text: a patch, a script, or a JSON object of module -> source; release (base64): one that is signed."""
    text, release, id, dry_run, permanent, epoch = take(params, text=str, release=str, id=str, dry_run=bool, permanent=bool, epoch=str)
    from ..hotfix import lifecycle, trust

    if release is not None:
        import base64

        data = base64.b64decode(release, validate=True)
        try:
            fix = trust.admit(data)
        except trust.Refused:
            return {**_report(lifecycle.send_release(data, bool(dry_run))), "concerned": True}      # it says and tells why
    elif text is None:
        raise Refused("hotfix takes text, or release", PARAMETERS)
    else:
        from ..hotfix.fix import read

        fix = read(text if "\n" in text else text + "\n", id=id)       # never a path: the file would be ours
    if epoch and not newborn.concerns(fix) and lifecycle.why_not(fix) is None:
        if not dry_run:
            newborn.keep(epoch, fix, waits=True)
            _epochs.append({"epoch": epoch, "number": None})
        return {"outcome": "skipped", "concerned": False, "pid": os.getpid(), "number": 0, "hotfix": fix.id,
                "notes": [{"code": "MF684", "op": "=", "text": "none of its modules is loaded here: workers that load them get it"}]}
    report = lifecycle.send(fix, bool(dry_run), bool(permanent))
    _note_epoch(epoch, report)
    if epoch and report.outcome == "committed" and not dry_run:
        newborn.keep(epoch, fix)               # a worker that is started, not forked, reads the files again
    return {**_report(report), "concerned": True, "hotfix": fix.id}


def _may_change(what):
    """Refused where the process is switched off, or takes signed releases only."""
    from ..hotfix import trust

    _not_off(what)
    if trust.in_force():
        raise Refused(f"this process takes signed releases only: {what} is refused (mode = prod)", ours="MF685")


def undo(params):
    """to: what ran when that update was the last one; epoch: take back what that command did, if it was the last here."""
    to, dry_run, epoch = take(params, to=int, dry_run=bool, epoch=str)
    _not_off("undo")
    last = _epochs[-1] if _epochs else {"epoch": None, "number": None}
    if epoch is not None and last["epoch"] != epoch:
        raise Refused(f"{epoch} is not the last that this process has taken", ours="MF686")
    number, live = last["number"] or newborn.number(last["epoch"]), api.chain()[-1:]
    if epoch is not None and number is not None and live != [number]:
        raise Refused(f"update #{number} is not the last here any more: #{live[0] if live else 0} is", ours="MF686")
    if epoch is not None and number is None:
        report = newborn.take_back(epoch, bool(dry_run))
        out = _report(report) if report is not None else {"outcome": "skipped", "pid": os.getpid(), "number": 0, "notes": []}
    else:
        out = _report(api.undo(to, dry_run=bool(dry_run)))
    if not dry_run and out["outcome"] in ("committed", "skipped"):
        _forget_what_went(epoch)
    return out


def _forget_what_went(epoch):
    """Epochs whose update has been taken back; without an update of its own, the one that was asked for."""
    live = api.chain()
    while _epochs and (_epochs[-1]["epoch"] == epoch or (_epochs[-1]["number"] is not None and _epochs[-1]["number"] not in live)):
        newborn.forget(_epochs.pop()["epoch"])


def inherit(params):
    """For a worker that was started anew: the tree's hotfixes, and its epochs."""
    take(params)
    return {"hotfixes": newborn.as_data(), "epochs": [one["epoch"] for one in _epochs]}


def begin_as_child():
    """At the start of a process: what its tree has, it has."""
    _epochs.extend({"epoch": epoch, "number": None} for epoch in newborn.inherit())


def history(params):
    """The updates, oldest first, and the journal's records where one is kept."""
    (count,) = take(params, count=int)
    reports = [_report(report) for report in api.history()]
    journal = api._journal
    return {"updates": reports[-count:] if count else reports, "epochs": list(_epochs),
            "journal": journal.records() if journal is not None else None}


def confirm(params):
    """A hotfix under probation stays; one that is current becomes permanent."""
    (id,) = take(params, id=str)
    return _in_journal("confirm", id, api.confirm)


def retire(params):
    """No start has this hotfix any more; what runs now goes on."""
    (id,) = take(params, id=str)
    return _in_journal("retire", id, api.retire)


def _in_journal(what, id, call):
    from ..errors import JournalError

    _not_off(what)
    if api._journal is None:
        raise Refused(f"this process keeps no journal: nothing is to {what}", ours="MF687")
    try:
        call(id)
    except JournalError as error:
        raise Refused(str(error), ours=error.code) from error
    return {"outcome": "committed", "pid": os.getpid(), "hotfix": id, "state": api._journal.state(id)}


def _not_off(what):
    """The off switch: its file can come at any moment."""
    from ..hotfix import trust

    off = trust.switched_off()
    if off is not None:
        raise Refused(f"{what} is refused: {off}", ours="MF661")


def doctor(params):
    """What works in this process."""
    take(params)
    import threading

    reason, settings = api.supported(), api.rules().settings
    return {"pid": os.getpid(), "python": sys.version.split()[0], "executable": sys.executable, "supported": reason is None, "why": reason,
            "settings": {name: value for name, value in settings.items() if isinstance(value, (str, int, list, tuple, type(None)))},
            "watching": api.watching(), "threads": threading.active_count(), "modules": len(api.running()),
            "unknown_texts": sorted(name for name, (_, text) in api.running().items() if text is None)}


def _paths(paths):
    if paths is not None and not all(isinstance(path, str) and os.path.isabs(path) for path in paths):
        raise Refused("paths are absolute: the process has another working folder", PARAMETERS)
    return paths


CALLS = {"status": status, "plan": plan, "update": update, "hotfix": hotfix, "undo": undo, "history": history,
         "confirm": confirm, "retire": retire, "doctor": doctor, "inherit": inherit}
AT_SAFE_POINT = frozenset(("plan", "update", "hotfix", "undo", "confirm", "retire"))
