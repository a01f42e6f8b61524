"""Graphs of objects whose instances are made anew: see random_graphs.py. All of them in make test-all."""
import os
import subprocess
import sys

GRAPHS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "random_graphs.py")


def test_no_difference():
    graphs = 100000 if os.environ.get("MIDFLIGHT_TEST_ALL") else 400
    done = subprocess.run([sys.executable, GRAPHS, "--graphs", str(graphs)], capture_output=True, text=True, timeout=7200)
    assert done.returncode == 0 and done.stdout == "%d graphs, no difference\n" % graphs, done.stdout + done.stderr
