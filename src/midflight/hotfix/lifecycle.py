"""What happens to a hotfix from its arrival to its end: journalled, applied, confirmed or taken back.

Owns: the order of these steps. In: hotfixes, people's words about them. Out: Reports; the journal's records.
Without a journal a hotfix is applied, and a restart comes up without it. With one it is applied only if the journal can
take it, so that there is never one in the process of which the journal knows nothing.
"""

from .. import api, hooks, journal as journals
from ..errors import JournalError
from ..report import Entry, Report
from . import audit, probation as probations, trust
from .fix import apply


def open_journal(folder):
    """At the start: the journal, and what it has for this start."""
    from .reapply import Reapply

    api._journal = opened = journals.open(folder, api.running)
    program, api._program = api._program, None
    api._reapplied = again = Reapply(opened, program)
    reports = again.begin()
    opened.started(reports)
    for note in opened.notes:
        hooks.dispatch({"outcome": "note", "text": f"journal: {note}"})
    hooks.on("update", _note_update)
    return reports


def journal():
    """The journal in force, or JournalError."""
    api.rules()
    if api._journal is None:
        raise JournalError("MF628", "there is no journal: midflight run --journal DIR, or midflight.start(journal=DIR)")
    return api._journal


def send_release(data, dry_run=False, health=None, by=None):
    try:
        fix = trust.admit(data)
    except trust.Refused as refused:
        return _refuse(refused.code, str(refused), None, "", dry_run, by)
    return send(fix, dry_run, health=health, by=by)


def send(fix, dry_run=False, permanent=False, probation=None, health=None, by=None):
    """Apply a hotfix; a Report, for one that is rejected too. Of a release its own words count."""
    release = getattr(fix, "release", None)
    if release is not None:
        permanent, probation = release["permanent"], release["probation"]
    probations.check(probation, health)
    refused = why_not(fix)
    if refused is not None:
        return _refuse(*refused, fix.id, fix.form, dry_run, by)
    if dry_run:
        return apply(fix, dry_run=True)
    try:
        audit.tell("hotfix", id=fix.id, form=fix.form, digest=fix.digest, by=by, **_facts(fix))
    except Exception as error:
        return _refuse("MF662", f"an audit hook, or the place for the audit, said no: {type(error).__name__}: {error}", fix.id, fix.form,
                       False, by)
    if trust.has_limits():
        report = apply(fix, dry_run=True)
        over = None if report.outcome in ("rejected", "rolled back") else trust.limits(report)
        if over is not None:
            return _refuse(*over, fix.id, fix.form, False, by)
    if probation is not None or health is not None:
        permanent = False                     # that is what the probation is about
    report = _apply(fix, permanent, by)
    if report.outcome == "committed" and (probation is not None or health is not None):
        probations.begin(fix.id, report.number, probation, health)
    _told("done", id=fix.id, outcome=report.outcome, number=report.number, pause_ms=report.pause_ms, by=by)
    return report


def _apply(fix, permanent, by):
    opened = api._journal
    if opened is None:
        report = apply(fix)
        if permanent and report.outcome == "committed":
            _add_note(report, "MF628", "not permanent: there is no journal; a restart comes up without it")
        return report
    try:
        token = opened.begin(fix, by=by, permanent=permanent)
    except JournalError as error:
        return _refuse(error.code, f"not applied: {error}", fix.id, fix.form, False, by)
    report = None
    try:
        report = apply(fix)
    finally:
        try:
            why = opened.end(token, report or _interrupted(fix))
            if why:
                _add_note(report, "MF626", f"not permanent: {why}")
        except JournalError as error:
            if report is not None and report.outcome == "committed":
                _add_note(report, error.code, str(error))
            hooks.dispatch({"outcome": "note", "text": f"journal: {error}"})
    return report


def why_not(fix):
    """(code, words) where this process takes no such hotfix at all; None: it may be tried."""
    off = trust.switched_off()
    if off is not None:
        return "MF661", f"nothing can be sent into this process: {off}"
    if trust.in_force() and not isinstance(fix, trust.Admitted):
        return "MF650", "this process takes signed releases only (mode = prod): midflight build, midflight sign"
    return None


def _refuse(code, text, id, form, dry_run, by):
    _told("refused", id=id, code=code, text=text, by=by)
    extra = {"hotfix": id, "form": form} if id else {}
    return api.refuse([(int(code[2:]), text, None, 0)], api.DRY_RUN if dry_run else api.UPDATE, extra)


def _facts(fix):
    release = getattr(fix, "release", None)
    return {} if release is None else {**release, "signed_by": list(fix.signed_by)}


def _told(event, **facts):
    failed = audit.told(event, **facts)
    if failed is not None:
        hooks.dispatch({"outcome": "note", "text": failed})


def _tell(event, **facts):
    """For what an audit hook may prevent."""
    try:
        audit.tell(event, **facts)
    except OSError as error:
        raise JournalError("MF662", f"the place for the audit cannot be written: {error}") from error


def confirm(id, by=None):
    opened = journal()
    _tell("confirm", id=id, by=by)
    opened.confirm(id, by)
    probations.end(id)


def retire(id, why, by=None):
    opened = journal()
    _tell("retire", id=id, why=why, by=by)
    opened.retire(id, why, by)


def take_back(id, by=None):
    opened = journal()
    number = opened.number_of(id)
    probations.end(id)
    if number is not None:
        return api.undo(number)
    if opened.was_loaded_with(id):
        try:
            texts = opened.texts_before(id)
        except JournalError as error:
            return api.refuse([(int(error.code[2:]), str(error), None, 0)], api.UPDATE, {"hotfix": id})
        report = api.apply_sources(texts, api.UPDATE, {})
        if report.outcome in ("committed", "skipped"):
            opened.retire(id, "taken back", by)
        return report
    return api.refuse([(625, f"this process does not run the hotfix {id}", None, 0)], api.UPDATE, {"hotfix": id})


def _interrupted(fix):
    """Ctrl-C is passed on when the hotfix has ended; the history knows how."""
    last = api.history()[-1:]
    return last[0] if last and last[0].hotfix == fix.id else Report({"outcome": "rejected"})


def undone(gone, back):
    """An undo has taken these updates back, or made these again."""
    _told("undo", numbers=sorted(gone), redone=sorted(back))
    if api._journal is None:
        return
    try:
        for id in api._journal.undone(gone):
            probations.end(id)
        api._journal.redone(back)
    except JournalError as error:
        hooks.dispatch({"outcome": "note", "text": f"journal: an undo is not written down, a restart may come up with what it took "
                                                   f"back: {error}"})


def _note_update(report):
    """Every update that was no hotfix."""
    if api._journal is None:
        return
    try:
        api._journal.end(None, report)
    except JournalError as error:
        hooks.dispatch({"outcome": "note", "text": f"journal: update #{report.number} is not written down: {error}"})


def _add_note(report, code, text):
    report.notes += (Entry({"code": code, "name": report.hotfix, "text": text}),)
