"""Starts children, has pairs of them take turns, and condenses what they answer.

A loaded machine slows everything; so what is compared is measured in turns of some milliseconds, and medians count.
"""

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PROCESSOR = max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None      # for those that take turns
median = statistics.median


def p99(values):
    return sorted(values)[min(len(values) - 1, math.ceil(len(values) * 0.99) - 1)]


class Child:
    """A child process with a folder of its own."""

    def __init__(self, module, function, **arguments):
        self.folder = tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True)
        arguments["root"] = self.root = os.path.realpath(self.folder.name)
        self.errors = tempfile.TemporaryFile("w+")
        self.is_ready = False
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("MIDFLIGHT_", "PYTHON"))}
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "child.py"), module, function, json.dumps(arguments)], cwd=self.root,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True, env=environment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()
        self.errors.close()
        self.folder.cleanup()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.errors.seek(0)
            raise RuntimeError(self.errors.read()[-2000:] or "ended with %s" % self.process.returncode)
        return json.loads(line)

    def get_ready(self):
        """Until it takes turns: on one processor alone, since they are not equally fast, least of all those of a virtual machine."""
        if not self.is_ready:
            if PROCESSOR is not None:
                os.sched_setaffinity(self.process.pid, {PROCESSOR})
            self.is_ready = self.answer() == "ready"
            assert self.is_ready

    def ask(self, number):
        self.process.stdin.write("%d\n" % number)
        self.process.stdin.flush()
        return self.answer()


def once(module, function, **arguments):
    with Child(module, function, **arguments) as child:
        return child.answer()


def pairs(first, second, rounds, number):
    """Two children in turns: (all answers of the first, of the second, ratio second to first with quartiles)."""
    left, right, ratios = [], [], []
    for one in (first, second):
        one.get_ready()
        one.ask(number)                                  # warm
    for i in range(rounds):
        order = (first, second) if i % 2 else (second, first)
        got = {one: one.ask(number) for one in order}
        left += got[first]
        right += got[second]
        ratios.append(median(got[second]) / median(got[first]))
    return left, right, spread(ratios)


def spread(ratios):
    if len(ratios) < 3:
        return [median(ratios)] * 3
    low, mid, high = statistics.quantiles(ratios, n=4)
    return [mid, low, high]


def exponent(sizes, times):
    """Slope of the times over the sizes, both as logarithms."""
    xs, ys = [math.log(x) for x in sizes], [math.log(y) for y in times]
    mx, my = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - mx) * (y - my) for x, y in zip(xs, ys)) / sum((x - mx) ** 2 for x in xs)
