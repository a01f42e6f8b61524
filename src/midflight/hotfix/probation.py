"""Hotfixes on probation: confirmed in time, or taken back by themselves.

Owns: who is on probation in this process, and the one thread that looks after them. In: a number of seconds, a health
check. Out: an undo, and words about it. The thread ends with the last probation. A forked child has the hotfix too, so
it goes on with the probation there. After a restart there is nothing to take back: what was not confirmed is not there.
"""

import os
import threading
import time

EVERY = 1.0                # seconds between two looks at the health
_running = {}              # id -> Probation
_changed = threading.Condition()
_thread = None


class Probation:
    def __init__(self, id, number, seconds, health):
        self.id, self.number, self.health = id, number, health
        self.until = None if seconds is None else time.monotonic() + seconds
        self.next = time.monotonic() if health is not None else None

    def due(self):
        return min((moment for moment in (self.until, self.next) if moment is not None), default=None)


def check(seconds, health):
    """Raise for what is no time or no check."""
    if seconds is not None and not (isinstance(seconds, (int, float)) and seconds > 0):
        raise ValueError(f"probation is a number of seconds, not {seconds!r}")
    if health is not None and not callable(health):
        raise TypeError(f"health must be callable, not {type(health).__name__}")


def begin(id, number, seconds, health):
    """Take hotfix `id`, update `number`, back after so many seconds, or when health() raises or returns False."""
    with _changed:
        _running[id] = Probation(id, number, seconds, health)
        _look_after()
        _changed.notify_all()


def end(id):
    """It is confirmed, or gone."""
    with _changed:
        _running.pop(id, None)
        _changed.notify_all()


def waiting():
    """The ids that are on probation here."""
    with _changed:
        return sorted(_running)


def _look_after():
    global _thread
    if _thread is None and _running:
        _thread = threading.Thread(target=_watch, name="midflight-probation", daemon=True)
        _thread.start()


def _watch():
    global _thread
    while True:
        with _changed:
            due = [(one.due(), id) for id, one in _running.items()]
            if not due:
                _thread = None
                return
            moment, id = min(due)
            if moment > time.monotonic():
                _changed.wait(moment - time.monotonic())
                continue
            one = _running[id]
        why = _judge(one)
        if why is not None:
            _take_back(one, why)


def _judge(one):
    """Why it has to go, or None."""
    now = time.monotonic()
    if one.health is not None and one.next <= now:
        one.next = now + EVERY
        try:
            if one.health() is False:
                return "its health check failed"
        except Exception as error:
            return f"its health check failed: {type(error).__name__}: {error}"
    if one.until is not None and one.until <= time.monotonic():
        return "it was not confirmed in time"
    return None


def _take_back(one, why):
    from .. import api, hooks

    with _changed:
        if _running.pop(one.id, None) is None:
            return                         # confirmed meanwhile
    report = api.undo(one.number)
    done = report.outcome == "committed"
    text = f"hotfix {one.id} was {'taken back' if done else 'NOT taken back'}: {why}"
    if not done:
        text += "; the undo was " + (str(report.outcome) + ": " + "; ".join(reason.text for reason in report.reasons))
    hooks.dispatch({"outcome": "note", "text": text})
    if api._journal is not None:
        from ..errors import JournalError

        try:
            api._journal.note(text)
        except JournalError as error:
            hooks.dispatch({"outcome": "note", "text": f"journal: {error}"})


def _after_fork():
    global _changed, _thread
    _changed, _thread = threading.Condition(), None
    _look_after()


os.register_at_fork(after_in_child=_after_fork)
