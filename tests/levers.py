"""levers.py -- what each lever of the engine does with an update of a case, and what must hold under it.

In: one update of a case as a call, the outcome that the case wants. Out: the report of the update that went through in the end, or an
AssertionError: the lever does not act, the program is not as before, something leaks, an exception is lost.

    identity          the same source given again changes nothing
    force_rollback    every write of the update is taken back
    every=N           an identity update at every Nth poll(), before and after the update
    repeat=N          each update undone and made again, N times
    fail_alloc=N      the Nth allocation of the update fails, then later ones at growing distances, until none is left
    fail_step=N       the same with the Nth write
    fail_alloc=all    every one of them, in as many processes as it takes (a failure that the update survives ends a process: children of the
    fail_step=all     first one, see children.py); at each, that a failing update leaks neither references nor memory
"""
import gc
import sys

NAMES = ("identity", "force_rollback", "every", "fail_alloc", "fail_step", "repeat")
DEAD = "the lever %s shows no effect, or the wrong one"
UPDATES_AT_MOST = 40        # failing attempts of one update, where not all are asked for
TOGETHER = 16               # failures for which leaks are looked for at once
SURE = 10                   # updates, three times: a leak adds to each, each time
EMPTIED = 2 if sys.version_info < (3, 12) else 1    # references that an emptied dict in a list is: on 3.11 its shared empty keys count, too
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


def is_done(seen):
    """Were all failures of all updates seen? {update: [the failure to go on with, those whose leaks were not looked for]}"""
    return all(number == sys.maxsize and not owed for number, owed in seen.values())


def clear_caches():
    """Of types: each class that is made or changed adds a name, until thousands of places are taken. Of typing: 128 places each."""
    (getattr(sys, "_clear_internal_caches", None) or sys._clear_type_cache)()
    for clear in getattr(sys.modules.get("typing"), "_cleanups", ()):
        clear()


class NotHeldUp(Exception):
    """(failure, report): an update went through all the same."""


class Lever:
    """One lever in one process. `seen` says with which failures each update begins, which is what the processes before this one have seen, and
    in the end where the next one goes on: is_done(). `assert_untouched` takes an earlier fingerprint of the program, `settle` drops what the
    program has piled up by itself, `children` may make this process several."""

    def __init__(self, lever, fingerprint, assert_untouched, settle, seen, children):
        self.name, self.value = parse(lever)
        self.fingerprint, self.assert_untouched, self.settle = fingerprint, assert_untouched, settle
        self.seen, self.children = seen, children
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
            self.settle()
            number, step = number + step, max(self.value, number // 8)
        return once()

    def all_of_them(self, once, wanted):
        update = str(self.updates)
        # what remains of earlier updates is for the parents of this process
        self.children.go_on(self.seen, lambda seen: is_done({u: seen[u] for u in seen if int(u) >= self.updates}))
        number, owed = self.seen.setdefault(update, [1, []])
        again = list(owed)          # those of the failures that are owed which this process has not met since it has counted
        report, fired = self.leaks(once, owed, again, wanted) if number == sys.maxsize else None, True
        while fired and report is None:
            report, fired = self.failing(once, number, wanted)
            if fired:
                if is_held_up(report):
                    report = None
                    self.settle()
                    report = self.held_up(once, number, owed, again, wanted)
                number += 1         # of an update that has survived, in a new process
        self.seen[update] = [number if fired else sys.maxsize, owed]
        if report["outcome"] == "committed":
            again = once()
            assert not set(again["files"]) & set(report["files"]), "failure %d: the engine does not know what runs: %s" % (number - 1, again)
        elif wanted == "committed":
            report = once()
        assert not self.leaking, "after %d more of a failure there are\n" % SURE + "\n".join(self.leaking)
        return report

    def held_up(self, once, number, owed, again, wanted):
        owed.append(number)
        if self.before is None:
            again.append(number)
            if len(owed) >= TOGETHER // 4:
                self.leaks(once, owed, None, wanted)
        return self.leaks(once, owed, again, wanted) if len(owed) >= TOGETHER else None

    def measure(self):
        """References, which only debug builds of Python count, without those of the history to its reports, which are emptied; blocks of the
        engine."""
        reports = self.engine().history()
        for report in reports:
            report.clear()
        remembered = len(reports) * EMPTIED
        del reports
        counts = hasattr(sys, "gettotalrefcount")
        if counts:
            clear_caches()
            gc.collect()
        return sys.gettotalrefcount() - remembered if counts else 0, self.engine().lever_counts()["blocks"]

    def more_after(self, once, numbers, wanted, times):
        """What there is more of after so many updates with each of these failures: references, blocks."""
        def fail(number):
            report, fired = self.failing(lambda: once(check=False), number, wanted)
            if not fired or not is_held_up(report):
                raise NotHeldUp(number, report)
            self.settle()

        if self.before is None:
            if numbers:
                fail(numbers[0])        # whatever stays once
                self.before = self.measure()
            self.before = self.measure()        # with one there already
        for number in numbers * times:
            fail(number)
        after = self.measure()
        more = [b - a for a, b in zip(self.before, after)]
        self.before = after             # of the next ones: one collection for all
        return more

    def leaks(self, once, owed, again, wanted):
        """Looks what updates with the failures that are owed leave behind each time, all together first. None: nothing is owed any more; or the
        report of one that is not held up: the second time it takes less memory. Without `again` only counts."""
        try:
            if again is None:
                self.more_after(once, [], wanted, 1)        # from here, so that the same frames are there
                return None
            if owed and max(self.more_after(once, again, wanted, 1)) >= 1 and max(self.more_after(once, owed, wanted, 2)) >= 2:
                while owed:
                    self.leak_of(once, owed[0], wanted)
                    del owed[0]
            owed.clear()
            again.clear()
        except NotHeldUp as e:
            number, report = e.args
            owed.remove(number)
            return report
        return None

    def leak_of(self, once, number, wanted):
        for times in (2, SURE, SURE, SURE):
            more = self.more_after(once, [number], wanted, times)
            if max(more) < times:
                return
        self.leaking.append("%d: %d references, %d blocks" % (number, *more))
