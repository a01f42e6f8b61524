"""bench/run.py writes where it is told to, and says at once what it cannot do. In: no group of rows, so that nothing is measured."""

import os
import subprocess
import sys

from helpers import environment

BENCH = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "bench")
SCRIPT = """
import sys
sys.path.insert(0, %r)
import rows, run, tools
rows.GROUPS, tools.present = {}, lambda: []
run.main()
"""


def test_the_folder_is_made(tmp_path):
    out = tmp_path / "a" / "b"
    done = subprocess.run([sys.executable, "-c", SCRIPT % BENCH, "--out", out], capture_output=True, text=True, timeout=60,
                          env=environment())
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in out.iterdir()) == ["RESULTS.md", "results.json"]
