"""One command for a process and its workers: all reach the same epoch, or all go back.

Owns: the order of the two phases. In: reachable processes, a method. Out: what each of them answered, one outcome.

First every member tries (a dry run): one that would reject it ends the command, and nothing has happened anywhere. Then
the parent commits, so that who is born from here on has it, then its workers, all at once; where one fails, those that
went take it back. Then it is looked again: workers that were born meanwhile get it too. The id of the command is
the epoch: each member notes it, a forked child has its parent's.
"""

import concurrent.futures
import dataclasses
import os
import secrets
import time

from . import client
from .client import CallFailed, NotReachable

_ROUNDS = 5
_GOOD = ("committed", "skipped")


@dataclasses.dataclass
class Outcome:
    """Of the whole tree. answers: process -> report (a dict), or the exception."""

    epoch: str
    outcome: str
    answers: dict
    phase: str = "commit"
    why: str = ""
    notes: list = dataclasses.field(default_factory=list)


def tree_of(process):
    """This process and all reachable ones below it, parents first."""
    try:
        user = os.lstat(process.path).st_uid
    except FileNotFoundError:
        return []                                      # it has ended
    below = [other for other in client.processes(user)
             if process.pid in client.ancestors(other.pid) or (other.pid == process.pid and other.interpreter != process.interpreter)]
    return [process, *below]


def one_tree(found):
    """Its root, if these processes are one tree; else None."""
    roots = [process for process in found if not any(other.pid in client.ancestors(process.pid) for other in found)]
    return roots[0] if len({process.pid for process in roots}) == 1 else None


class Command:
    """One method for one tree."""

    def __init__(self, method, params, *, timeout=60.0, progress=None):
        self.method, self.params = method, params
        self._timeout, self._progress = timeout, progress
        self.epoch = f"{time.strftime('%Y%m%dT%H%M%S')}-{secrets.token_hex(4)}"
        self.notes = []

    def run(self, members, *, dry_run=False, look_again=None):
        """look_again(): the members as they are now, for workers born meanwhile."""
        done, expect = {}, None
        if len(members) > 1 or dry_run or self.method == "hotfix":
            tried = self._ask(members, dry_run=True)
            outcome = self._ended(tried, "dry run")
            if dry_run or outcome.outcome not in _GOOD:
                return outcome
            expect = self._agreed(tried)
            if expect is None:
                return dataclasses.replace(outcome, outcome="rejected", why="the files were changed while the processes tried them")
        for group in (members[:1], members[1:]):
            outcome = self._commit(group, expect, done)
            if outcome is not None:
                return outcome
        for _ in range(_ROUNDS):
            new = self._newcomers(look_again() if look_again is not None else [], done)
            if not new:
                return self._ended(done, "commit")
            outcome = self._commit(new, expect, done)
            if outcome is not None:
                return outcome
        self.notes.append("workers were born faster than they could be reached")
        return self._ended(done, "commit")

    def _commit(self, group, expect, done):
        """None, or the end: what has gone is taken back."""
        answers = self._ask(group, dry_run=False, expect=expect)
        done.update(answers)
        outcome = self._ended(done, "commit")
        return None if outcome.outcome in _GOOD else self._take_back(outcome)

    def _newcomers(self, now, done):
        known = {process.path for process in done}
        new = []
        for process in now:
            if process.path not in known:
                answer = self._one(process, "status", {"modules": False})
                if isinstance(answer, dict) and answer.get("epoch") == self.epoch:
                    done[process] = {"outcome": "skipped", "pid": process.pid, "number": 0, "born": True}
                elif isinstance(answer, dict):
                    new.append(process)
        return new

    def _take_back(self, outcome):
        if self.method == "undo" or len(outcome.answers) == 1:
            return outcome
        went = [process for process, answer in outcome.answers.items() if isinstance(answer, dict) and answer["outcome"] in _GOOD]
        for process, answer in self._map(went, lambda process: self._one(process, "undo", {"epoch": self.epoch})).items():
            if isinstance(answer, Exception) or answer["outcome"] not in _GOOD:
                why = answer if isinstance(answer, Exception) else "; ".join(one["text"] for one in answer.get("reasons", ()))
                outcome.notes.append(f"process {process.label} could not take it back: {why}")
        outcome.why = f"one process refused it, and {len(went)} took it back: {outcome.why}"
        return outcome

    # ---- asking

    def _ask(self, members, *, dry_run, expect=None):
        if not members:
            return {}
        params = {**self.params, "dry_run": dry_run or None}
        if self.method in ("update", "hotfix"):
            params["epoch"] = self.epoch
        if expect and self.method == "update":
            params["expect"] = expect
        answers = self._map(members, lambda process: self._one(process, self.method, params))
        for process in [process for process, answer in answers.items() if isinstance(answer, NotReachable)]:
            if not _lives(process.pid):
                self.notes.append(f"process {process.label} has ended meanwhile")
                del answers[process]
        return answers

    def _map(self, members, function):
        if len(members) <= 1:
            return {process: function(process) for process in members}
        with concurrent.futures.ThreadPoolExecutor(min(32, len(members))) as pool:
            return dict(zip(members, pool.map(function, members)))

    def _one(self, process, method, params):
        try:
            with client.Connection(process.path) as connection:
                return connection.call(method, params, timeout=self._timeout,
                                       progress=self._progress and (lambda state, ms: self._progress(process, state, ms)))
        except (CallFailed, NotReachable) as error:
            return error
        except OSError as error:
            return NotReachable(f"{process.path}: {error.strerror or error}")

    def _agreed(self, tried):
        """The hash of each file that all have seen; None where two differ."""
        expect = {}
        for answer in tried.values():
            for path, digest in answer.get("texts", {}).items():
                if expect.setdefault(path, digest) != digest:
                    return None
        return {path: digest for path, digest in expect.items() if digest is not None}

    def _ended(self, answers, phase):
        """The worst of the answers is the tree's."""
        out = Outcome(self.epoch, "skipped", dict(answers), phase, "", self.notes)
        concerned = [answer for answer in answers.values() if isinstance(answer, dict) and answer.get("concerned", True)]
        for process, answer in answers.items():
            if isinstance(answer, Exception):
                out.outcome, out.why = "failed", f"process {process.label}: {answer}"
                return out
        bad = [(process, answer) for process, answer in answers.items() if answer["outcome"] not in _GOOD]
        if bad:
            process, answer = bad[0]
            out.outcome = answer["outcome"]
            out.why = f"process {process.label}: " + "; ".join(reason["text"] for reason in answer.get("reasons", ())[:3])
        elif phase == "dry run" and answers and not concerned:
            out.outcome, out.why = "rejected", "no process has loaded what it changes"
        elif any(answer["outcome"] == "committed" for answer in answers.values()):
            out.outcome = "committed"
        return out


def _lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
