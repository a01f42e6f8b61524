"""known.py -- what the engine does not do yet: known_failures.txt, strict. What is listed runs, and fails when it passes.

In: one line per case (CASE, or CASE-LEVER) or test (its id in pytest, %20 for a space): name, kind, and the Pythons, where it is not all of them.
"""
import os
import sys

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "known_failures.txt")
KINDS = ("become", "layout", "frames", "bug")
PASSES = "passes (it was: %s). Take it off tests/known_failures.txt"


def lines():
    with open(FILE, encoding="utf-8") as f:
        return [line.split() for line in f if line.strip() and not line.startswith("#")]


def failures():
    """{name: kind} for this Python."""
    python = "%d.%d" % sys.version_info[:2]
    return {name.replace("%20", " "): kind for name, kind, *pythons in lines() if not pythons or python in pythons}
