"""Types that do not keep the collector's rules hold an instance whose class gets another layout: the update is had right or not at all."""
import os
import subprocess
import sys

import pytest

PROGRAM = '''
import gc, os, sys
folder, kind = sys.argv[1:]
sys.path.insert(0, folder)
sys.dont_write_bytecode = True
if kind == "twice" and hasattr(sys, "gettotalrefcount"):     # a debug build of Python ends at the first collection that meets it
    gc.disable()
    gc.collect = int
import midflight
from midflight import _testhostile as hostile
midflight.start(roots=[folder])
import m
p = m.P(7)
holders = [hostile.hold(kind, p) if kind != "static" else hostile.keep(p) for _ in range(2)]
with open(m.__file__, "w") as f:
    f.write(sys.stdin.read())
report = midflight.update([m.__file__])
print(report.outcome)
gc.collect()
assert type(p) is m.P and p.x == 7 and p.method() == (8 if report.outcome == "committed" else 7)
for holder in holders:
    if kind not in ("static", "half"):
        assert holder.held is p and holder.copy in (p, None)
if kind == "static":
    assert hostile.keep(None) is p
del holders[:], p
gc.collect()
'''
BEFORE = '''
class P:
    __slots__ = ("x",)

    def __init__(self, x):
        self.x = x

    def method(self):
        return self.x
'''
ROOMY = BEFORE.replace('("x",)', '("x", "y")').replace("return self.x", "return self.x + 1")      # fits into the memory that an instance has
AFTER = ROOMY.replace('("x", "y")', '("x", "y", "z", "u", "v", "w")')                              # does not: it has to move


def outcome_of(folder, kind, after):
    (folder / "m.py").write_text(BEFORE)
    os.utime(folder / "m.py", (1, 1))
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(folder), kind], input=after, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


OUTCOMES = {
    "unknown": "rejected",      # the collector does not know it
    "hidden": "rejected",       # traverse reports nothing
    "once": "committed",        # a borrowed copy beside what it reports
    "twice": "rejected",        # traverse reports more than it has
    "array": "rejected",        # in memory of its own
    "half": "committed",        # made, but not filled yet
    "static": "rejected",       # in a variable of C
}
# Python's own allocator leaves room behind an instance; with what it writes there in debug builds, and in malloc, there is none.
ROOM = not hasattr(sys, "gettotalrefcount") and not sys.flags.dev_mode and os.environ.get("PYTHONMALLOC") in (None, "", "default", "pymalloc")


@pytest.mark.parametrize("kind, outcome", OUTCOMES.items())
def test_right_or_not_at_all(tmp_path, kind, outcome):
    assert outcome_of(tmp_path, kind, AFTER) == outcome


@pytest.mark.parametrize("kind", OUTCOMES)
def test_nobody_matters_where_it_stays_in_its_place(tmp_path, kind):
    assert outcome_of(tmp_path, kind, ROOMY) == ("committed" if ROOM else OUTCOMES[kind])
