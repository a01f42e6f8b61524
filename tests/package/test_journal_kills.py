"""Killed at any moment of a hotfix and of a journal write: every restart comes up on a whole state, and no hotfix that
was promised is lost. Each life of the victim checks what the one before left."""

import os
import random
import signal
import subprocess
import sys

import pytest
from helpers import environment, write

VICTIM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "journal_victim.py")
FILES = {name: "N = 0\ndef version():\n    return 0\n" for name in ("one.py", "two.py")}
ALL = os.environ.get("MIDFLIGHT_TEST_ALL") == "1"
KILLS = ("kills=all", 1000) if ALL else ("kills=30", 30)


class Lives:
    """One folder and its lives, one after the other. kept: the last version promised, sent: the last one begun."""

    def __init__(self, folder):
        self.folder, self.kept, self.sent, self.points = folder, 0, 0, 0
        write(folder, FILES)

    def live(self, *arguments, kill_after=None):
        process = subprocess.Popen([sys.executable, VICTIM, *map(str, arguments)], cwd=self.folder, env=environment(),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        first = process.stdout.readline() if kill_after is not None else b""
        try:
            out, errors = process.communicate(timeout=60 if kill_after is None else kill_after)
        except subprocess.TimeoutExpired:
            process.kill()
            out, errors = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL), errors.decode()
        for line in (first + out).decode().splitlines():
            word, _, number = line.partition(" ")
            if word == "up":
                assert self.kept <= int(number) <= self.sent, (number, self.kept, self.sent)
                self.kept = self.sent = int(number)
            elif word == "send":
                self.sent = int(number)
            elif word == "kept":
                self.kept = int(number)
            else:
                self.points = int(number)
        return process.returncode


def test_at_every_point(tmp_path):
    lives = Lives(tmp_path)
    assert lives.live(2) == 0 and lives.kept == 2
    points = lives.points
    assert points > 30
    for point in range(1, points + 1):
        lives.live(2, point)
    assert lives.live(1) == 0


@pytest.mark.parametrize("many", [KILLS[1]], ids=[KILLS[0]])
@pytest.mark.parametrize("forms", ["modules", "mixed"])
def test_at_random_moments(tmp_path, forms, many):
    chance = random.Random(4711)
    killed = folder = 0
    lives = Lives(tmp_path / "0")
    while killed < many:
        killed += lives.live(1000, 0, forms, kill_after=chance.uniform(0, 0.08)) != 0
        if killed // 40 > folder:
            assert lives.live(0, 0, forms) == 0
            folder = killed // 40
            lives = Lives(tmp_path / str(folder))
    assert lives.live(0, 0, forms) == 0
