"""What happens to a hotfix from its arrival to its end: journalled, applied, confirmed or taken back.

Owns: the order of these steps. In: hotfixes, people's words about them. Out: Reports; the journal's records.
Without a journal a hotfix is applied, and a restart comes up without it. With one it is applied only if the journal can
take it, so that there is never one in the process of which the journal knows nothing.
"""

from . import api, hooks, journal as journals, probation as probations
from .errors import JournalError
from .hotfix import apply
from .report import Entry, Report


def open_journal(folder):
    """At the start: the journal, and what it has for this start."""
    api._journal = opened = journals.open(folder, api.running)
    program, api._program = api._program, None
    reports = opened.reapply(program)
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


def send(fix, dry_run=False, permanent=False, probation=None, health=None, by=None):
    """Apply a hotfix; a Report, for one that is rejected too."""
    opened = api._journal
    probations.check(probation, health)
    if dry_run:
        return apply(fix, dry_run=True)
    if probation is not None or health is not None:
        permanent = False                     # that is what the probation is about
    if opened is None:
        report = apply(fix)
        if permanent and report.outcome == "committed":
            _add_note(report, "MF628", "not permanent: there is no journal; a restart comes up without it")
    else:
        try:
            token = opened.begin(fix, by=by, permanent=permanent)
        except JournalError as error:
            return api.refuse([(int(error.code[2:]), f"not applied: {error}", None, 0)], api.UPDATE,
                              {"hotfix": fix.id, "form": fix.form})
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
    if report.outcome == "committed" and (probation is not None or health is not None):
        probations.begin(fix.id, report.number, probation, health)
    return report


def confirm(id, by=None):
    journal().confirm(id, by)
    probations.end(id)


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


def undone(numbers):
    """An undo has taken these updates back."""
    try:
        for id in api._journal.undone(numbers):
            probations.end(id)
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
