"""levers.py -- what each lever of the engine does with an update of a case, and what must hold under it.

In: one update of a case as a call, the outcome that the case wants. Out: the report of the update that went through in the end, or an
AssertionError: the lever does not act, the program is not as before, something leaks, an exception is lost.

    identity          the same source given again changes nothing
    force_rollback    every write of the update is taken back
    every=N           an identity update at every Nth poll(), before and after the update
    repeat=N          each update undone and made again, N times
    fail_alloc=N      the Nth allocation of the update fails, then later ones at growing distances, until none is left
    fail_step=N       the same with the Nth write
    fail_alloc=all    every one of them, in as many processes as it takes (a failure that the update survives ends a process); at each, that a
    fail_step=all     failing update leaks neither references nor memory
"""
import gc
import sys

NAMES = ("identity", "force_rollback", "every", "fail_alloc", "fail_step", "repeat")
DEAD = "the lever %s shows no effect, or the wrong one"
UPDATES_AT_MOST = 40        # failing attempts of one update, where not all are asked for
SURE = 10                   # updates, three times: a leak adds to each, each time
WHY = {"fail_alloc": "MemoryError", "fail_step": "a step was made to fail|step failed by a lever"}


def parse(lever):
    """(name, value): value is a number or "all"; ("", 1) for none."""
    name, _, value = lever.partition("=")
    return name, value if value == "all" else int(value or 1)


def is_held_up(report):
    return report is None or report["outcome"] not in ("committed", "skipped")


def lost_a_note(report):
    """Did memory run out when the update had been made, and does the report say so? Then it need not say everything."""
    return any(entry["code"] == "MF309" for entry in report["notes"])


def clear_caches():
    """Of types: each class that is made or changed adds a name, until thousands of places are taken. Of typing: 128 places each."""
    (getattr(sys, "_clear_internal_caches", None) or sys._clear_type_cache)()
    for clear in getattr(sys.modules.get("typing"), "_cleanups", ()):
        clear()


class Lever:
    """One lever in one process. `skip` and `next` are the numbers of the failures to begin with, by update: what the process before this one
    has survived, and where the next one goes on (maxsize: all failures were seen). `assert_untouched` takes an earlier fingerprint of the
    program, `settle` drops what the program has piled up by itself."""

    def __init__(self, lever, fingerprint, assert_untouched, settle, skip):
        self.name, self.value = parse(lever)
        self.fingerprint, self.assert_untouched, self.settle = fingerprint, assert_untouched, settle
        self.skip, self.next = skip, {}
        self.updates = 0            # of the case, as far as they go through the lever
        self.leaking, self.before = [], None

    def engine(self):
        from midflight import _engine
        return _engine

    def apply(self, once, wanted, midflight):
        self.updates += 1
        return getattr(self, self.name or "none")(once, wanted, midflight)

    def pull(self, once, value=1):
        self.engine().lever(self.name, value)
        try:
            return once()
        finally:
            self.engine().lever(self.name, 0)

    # Each must show that it acts, or a pass would mean nothing, and ends with an ordinary update, so that the case's checks hold as well.
    def none(self, once, wanted, midflight):
        return once()

    def every(self, once, wanted, midflight):
        def polled():
            polls = []
            for _ in range(3 * self.value):
                polls.append(midflight.poll())
            return any(polls)

        def with_polls():
            before = polled()
            report = once()
            assert polled() or before, DEAD % "every"
            return report
        return self.pull(with_polls, self.value)

    def identity(self, once, wanted, midflight):
        before = self.fingerprint()
        report = self.pull(once)
        assert report["outcome"] in ("committed", "skipped"), report
        self.assert_untouched(before)
        return once()

    def force_rollback(self, once, wanted, midflight):
        report = self.pull(once)
        ends = ["rolled back", "rejected", "skipped"] if "committed" in wanted else wanted.split("|")
        assert report["outcome"] in ends, DEAD % "force_rollback" + " %s" % report
        return once()

    def repeat(self, once, wanted, midflight):
        number = midflight.status()["number"]
        report = self.pull(once, self.value)
        assert report["outcome"] != "committed" or midflight.status()["number"] > number + 1, DEAD % "repeat"
        return report

    def fail_alloc(self, once, wanted, midflight):
        return self.all_of_them(once, wanted) if self.value == "all" else self.some_of_them(once, wanted)

    fail_step = fail_alloc

    def failing(self, once, number, wanted):
        """(report, fired): the update with this failure; None for a report if it raised the MemoryError itself."""
        def counted():
            try:
                report = once()
            except MemoryError:
                report = None
            return report, self.engine().lever_counts()[self.name] >= number

        report, fired = self.pull(counted, number)
        if fired and report is not None and report["outcome"] != "committed" and wanted == "committed":
            texts = [entry["text"] for entry in report["reasons"]]
            assert report["outcome"] in ("rejected", "rolled back"), "failure %d: %s" % (number, report)
            assert any(why in text for text in texts for why in WHY[self.name].split("|")), "failure %d: reasons %s" % (number, texts)
        return report, fired

    def some_of_them(self, once, wanted):
        number = step = self.value
        for _ in range(UPDATES_AT_MOST if wanted == "committed" else 8):
            report, fired = self.failing(once, number, wanted)
            if report is not None and (report["outcome"] == "committed" or not fired):
                return report
            number, step = number + step, max(self.value, number // 8)
        return once()

    def all_of_them(self, once, wanted):
        update = str(self.updates)
        number = self.skip.get(update, 1)
        report, fired = self.failing(once, number, wanted)
        while fired and is_held_up(report):
            report = self.leaks(once, number, wanted)
            number += 1
            if report is not None:
                break               # the second time it takes less memory: a new process goes on
            report, fired = self.failing(once, number, wanted)
        self.next[update] = number + 1 if fired else sys.maxsize
        if report["outcome"] == "committed":
            again = once()
            assert not set(again["files"]) & set(report["files"]), "failure %d: the engine does not know what runs: %s" % (number, again)
        elif wanted == "committed":
            report = once()
        assert not self.leaking, "after %d more of a failure there are\n" % SURE + "\n".join(self.leaking)
        return report

    def measure(self):
        """References, which only debug builds of Python count, without those of the history to its reports, which are emptied; blocks of the
        engine."""
        reports = self.engine().history()
        for report in reports:
            report.clear()
        remembered = len(reports)
        del reports
        counts = hasattr(sys, "gettotalrefcount")
        if counts:
            self.settle()
            clear_caches()
            gc.collect()
        return sys.gettotalrefcount() - remembered if counts else 0, self.engine().lever_counts()["blocks"]

    def leaks(self, once, number, wanted):
        """Notes what a failing update leaves behind each time. None, or the report of one that is not held up any more."""
        for times in (2, SURE, SURE, SURE):
            before, self.before = self.before or self.measure(), None
            for _ in range(times):
                report, fired = self.failing(lambda: once(check=False), number, wanted)
                if not fired or not is_held_up(report):
                    return report
            after = self.measure()
            more = [b - a for a, b in zip(before, after)]
            if max(more) < times:
                self.before = after     # of the next failure: one collection for each
                return None
        self.leaking.append("%d: %d references, %d blocks" % (number, *more))
        return None
