"""The program that test_journal_kills.py kills: it sends itself hotfixes and says what it was promised.

    journal_victim.py HOW_MANY [POINT [FORMS]]     POINT: number of the place where it kills itself, 0: nowhere
                                                   FORMS: "mixed", every third one is a script

Writes "up V" (both modules run version V), "send K", "kept K" (the journal has promised it), "points N" at its end.
"""

import os
import signal
import sys

import midflight
from midflight.journal import book

TEXT = "N = {0}\ndef version():\n    return {0}\n"
SCRIPT = "import one, two\none.N = two.N = {0}\n" + "".join(
    "def version():\n    return {{0}}\n{0}.version = version\n".format(name) for name in ("one", "two"))
many, last = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
mixed = sys.argv[3:] == ["mixed"]
seen = 0


def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def on_point(name):
    global seen
    seen += 1
    if seen == last:
        os.kill(os.getpid(), signal.SIGKILL)


book.on_point = on_point
sys.path.insert(0, os.getcwd())
midflight.start(roots=[os.getcwd()], journal="journal")
import one  # noqa: E402
import two  # noqa: E402

versions = {one.version(), two.version(), one.N, two.N}
assert len(versions) == 1, versions
now = versions.pop()
left_out = [note for note in midflight.status()["hotfixes"] if note["state"] == "staged"]
assert not left_out, left_out
say("up", now)
for number in range(now + 1, now + 1 + many):
    say("send", number)
    name = f"k{number}-{os.getpid()}"
    fix = {"one": TEXT.format(number), "two": TEXT.format(number)}
    report = midflight.hotfix(SCRIPT.format(number) if mixed and number % 3 == 0 else fix, id=name, permanent=number % 2)
    assert report.outcome == "committed" and not [note for note in report.notes if note.code.startswith("MF62")], report
    if number % 2 == 0:
        midflight.confirm(name)
    say("kept", number)
    assert {one.version(), two.version(), one.N, two.N} == {number}
say("points", seen)
