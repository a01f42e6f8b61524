"""Hosts that embed Python: they end it and start it anew in one process, and run several interpreters."""

import subprocess
import sys
import textwrap

import pytest
from helpers import PYTHON, environment

UPDATE = """
import importlib, os, sys, tempfile
import midflight
with tempfile.TemporaryDirectory() as folder:
    def save(text):
        with open(os.path.join(folder, NAME + ".py"), "w") as stream:
            stream.write(text)
    sys.path.insert(0, folder)
    midflight.start(roots=[folder])
    save("import json\\ndef f(n):\\n    return n and f(n - 1)\\nclass A:\\n    __slots__ = ('x',)\\n    def g(self): return 1\\nL = []\\ndef deco(f):\\n    L.append(f)\\n    return f\\n@deco\\ndef h(): return 1\\n")
    module = importlib.import_module(NAME)
    a, f, keep = module.A(), module.f, module.L
    a.x = 1
    def work():
        yield f(3)
    suspended = work()
    save("import json\\ndef f(n):\\n    return 'new'\\nclass A:\\n    __slots__ = ('x', 'y')\\n    z = 4\\n    def g(self): return self.x + self.z\\nX = json.dumps([1])\\nL = []\\ndef deco(f):\\n    L.append(f)\\n    return f\\n@deco\\ndef h(): return 2\\n")
    report = midflight.update()
    assert report.outcome in ("committed", "skipped"), str(report)       # the watch of an earlier program here may have been first
    assert (f(3), a.g(), module.X, keep is module.L, len(keep), keep[0](), next(suspended)) == ("new", 5, "[1]", True, 1, 2, "new"), keep
    if not WATCHING:                    # else the watch of an earlier program here may bring the text back at any time
        assert midflight.undo().outcome == "committed" and (f(3), a.g()) == (0, 1)
        assert midflight.update().outcome == "committed" and f(3) == "new"
    WATCH
    sys.path.remove(folder)
"""
WATCHED = """
    import threading
    told = threading.Event()
    midflight.on("committed", lambda report: told.set())
    midflight.watch()
    save("def f(n):\\n    return 'newer'\\n")
    while f(3) != "newer":              # a watch of an earlier program here may tell of what came before
        assert told.wait(30)
        told.clear()
"""


def program(name, watch):
    return UPDATE.replace("WATCHING", str(watch)).replace("WATCH", textwrap.dedent(WATCHED).replace("\n", "\n    ") if watch else "").replace("NAME", repr(name))


@pytest.mark.parametrize("watch", [False, True], ids=["asked", "watched"])
@pytest.mark.parametrize("used_before", [False, True])
def test_python_ends_and_starts_anew(tmp_path, watch, used_before):
    code = f"import sys; sys.path[:] = {[path for path in sys.path if path]!r}\n" + program("mod", watch)
    first = program("first", watch) if used_before else ""
    text = f"{first}\nfrom midflight import _testengine\n_testengine.after_end({sys.executable!r}, {code!r}, 3)\n"
    done = subprocess.run([*PYTHON, "-c", text], cwd=tmp_path, capture_output=True, text=True, timeout=120, env=environment())
    said = [line for line in done.stderr.splitlines() if not line.startswith("WARN: Could not find")]     # 3.15 on where it was moved to
    assert (done.returncode, done.stdout, said) == (0, "", [])


INTERPRETERS = """
import sys, time
try:
    import _interpreters as interpreters
    new = lambda: interpreters.create("legacy")
    run = interpreters.exec
except ImportError:
    import _xxsubinterpreters as interpreters
    new = lambda: interpreters.create(isolated=False)
    run = interpreters.run_string
PATHS = "import sys; sys.path[:] = %r\\n" % [path for path in sys.path if path]
def both(number, name):
    failed = run(number, PATHS + PROGRAM.replace("THIS", name))
    assert not failed, failed
def here(name):
    exec(PROGRAM.replace("THIS", name), {})
def destroy(number):
    while True:
        try:
            return interpreters.destroy(number)
        except RuntimeError as error:       # our thread is in it for a moment
            if "more than one thread" not in str(error):
                raise
            time.sleep(0)       # it is asked for the GIL by nothing else: 3.11 asks only threads of the same interpreter
here("main1")
one, two = new(), new()
both(one, "one1")
both(two, "two1")
here("main2")
both(one, "one2")
destroy(one)
here("main3")
both(two, "two2")
destroy(two)
here("main4")
three = new()
both(three, "three1")
here("main5")
destroy(three)
here("main6")
print("done")
"""


@pytest.mark.parametrize("watch", [False, True], ids=["asked", "watched"])
def test_several_interpreters(tmp_path, watch):
    text = "PROGRAM = " + repr(program("THIS", watch)) + INTERPRETERS
    done = subprocess.run([*PYTHON, "-W", "ignore", "-c", text], cwd=tmp_path, capture_output=True, text=True, timeout=120, env=environment())
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


LEFT = """
here("main1")
one, two = new(), new()
both(one, "one1")
both(two, "two1")
AT_END
print("done", flush=True)
"""
AT_WORK = """
import os
os.mkdir("slow")
with open(os.path.join("slow", "again.py"), "w") as stream:
    stream.write("def f(): return 1")
SLOW = PATHS + '''
import importlib, os, sys, threading, time, midflight
inside = threading.Event()
def stay(report):
    inside.set()
    time.sleep(0.4)
midflight.start(roots=[os.path.abspath("slow")])
midflight.on("committed", stay)
sys.path.insert(0, os.path.abspath("slow"))
module = importlib.import_module("again")
midflight.watch()
with open(module.__file__, "w") as stream:
    stream.write("def f(): return 2")
assert inside.wait(60)
'''
three = new()
failed = run(three, SLOW)
assert not failed, failed
"""


@pytest.mark.parametrize("at_end", ["", AT_WORK], ids=["idle", "at work"])
def test_python_ends_with_interpreters_left(tmp_path, at_end):
    """3.11 ended the thread that ends Python when it gave up the GIL to wait for ours in another interpreter."""
    text = "PROGRAM = " + repr(program("THIS", True)) + INTERPRETERS.split("here(\"main1")[0] + LEFT.replace("AT_END", at_end)
    done = subprocess.run([*PYTHON, "-W", "ignore", "-c", text], cwd=tmp_path, capture_output=True, text=True, timeout=60, env=environment())
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
