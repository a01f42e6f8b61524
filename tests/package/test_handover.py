"""A save while the main thread is busy: it does the update itself where no code of the program has to run, and only there."""

import pytest
from helpers import PYTHON, finish, write

START = """
    import os, sys, threading, time
    import midflight
    midflight.start(roots=["."])
    import lib
    heard = []
    midflight.on("update", lambda report: heard.append((report.outcome, threading.current_thread() is threading.main_thread())))
    midflight.watch()

    def save(text):
        with open("lib.part", "w") as stream:
            stream.write(text)
        os.replace("lib.part", "lib.py")

    def spin(ready, pause=None):
        end = time.monotonic() + 25
        while not ready():
            if time.monotonic() > end:
                raise SystemExit("nothing happened")
            if pause is not None:
                time.sleep(pause)              # lets others run
    """


def trace(tmp_path, lib, body):
    """The program's words, and what the engine says of its work."""
    write(tmp_path, {"pyproject.toml": "", "lib.py": lib, "app.py": START})
    with open(tmp_path / "app.py", "a", encoding="utf-8") as stream:
        stream.write(body)
    code, out, err = finish([*PYTHON, "app.py"], tmp_path, MIDFLIGHT_TRACE="1")
    assert code == 0, err
    return out.split(), err


def run(tmp_path, lib, body):
    return trace(tmp_path, lib, body)[0]


EDITOR = """
    import sys
    for number in sys.stdin:
        with open("lib.py", "w") as stream:
            stream.write(f"class C:\\n    def answer(self):\\n        return {int(number)}\\n\\n\\ndef answer():\\n    return {int(number)}\\n")
    """


def test_the_main_thread_does_it_while_it_is_busy(tmp_path):
    """Whoever comes first does; with a switch interval that long it is the main thread, if it is not just in a system call: another process saves."""
    write(tmp_path, {"editor.py": EDITOR})
    out, said = trace(tmp_path, "class C:\n    def answer(self):\n        return 1\n\n\ndef answer():\n    return 1\n", """
import subprocess
editor = subprocess.Popen([sys.executable, "editor.py"], stdin=subprocess.PIPE, text=True)
sys.setswitchinterval(0.5)
for i in range(2, 42):      # many: each time it is a race, that the main thread loses sometimes
    print(i, file=editor.stdin, flush=True)
    spin(lambda: lib.answer() == i == lib.C().answer())
    spin(lambda: len(heard) == i - 1, pause=0.001)
editor.communicate()
print(*(outcome + str(main) for outcome, main in heard), midflight.status()["running"], len(midflight.history()))
""")
    assert out == ["committedFalse"] * 40 + ["40", "40"]        # listeners are the program's: told on the engine's thread
    assert "done in the middle of the main thread's code" in said


@pytest.mark.parametrize("lib, new", [
    ("VALUE = 1\n", "import threading\nVALUE = threading.current_thread() is threading.main_thread()\n"),
    ("VALUE = 1\ndef f():\n    return 1\ndef __after_update__(update):\n    import threading\n    global VALUE\n"
     "    VALUE = threading.current_thread() is threading.main_thread()\n", None),
])
def test_code_of_the_program_runs_on_the_engines_thread(tmp_path, lib, new):
    new = new or lib.replace("return 1", "return 2")
    assert run(tmp_path, lib, f"""
save({new!r})
spin(lambda: heard)
print(lib.VALUE, *heard[0])
""") == ["False", "committed", "False"]


def test_a_hook_may_wait_for_a_lock_that_the_main_thread_holds(tmp_path):
    lib = "import threading\nLOCK = threading.Lock()\ndef f():\n    return 1\ndef __before_update__(update):\n    with LOCK:\n        pass\n"
    assert run(tmp_path, lib, f"""
with lib.LOCK:
    save({lib.replace("return 1", "return 2")!r})
    spin(lambda: midflight.status()["number"] == 1)        # the update is under way, and waits for us
    assert lib.f() == 1
spin(lambda: heard)
print(lib.f(), *heard[0])
""") == ["2", "committed", "False"]


def test_what_is_wrong_is_said_once(tmp_path):
    assert run(tmp_path, "def f():\n    return 1\n", """
save("def f(:\\n")
spin(lambda: heard)
save("def f():\\n    return 2\\n")
spin(lambda: lib.f() == 2)
spin(lambda: len(heard) == 2)
print(*heard[0], *heard[1], midflight.status()["number"])
""") == ["rejected", "False", "committed", "False", "2"]


def test_a_request_that_is_left_over_does_nothing_in_a_child(tmp_path):
    """The main thread forks before it has come by."""
    assert run(tmp_path, "def f():\n    return 1\n", """
import select
for i in range(2, 12):
    save(f"def f():\\n    return {i}\\n")
    child = os.fork()
    if child == 0:
        midflight.unwatch()             # the child would see the save by itself, in time
        before = lib.f()
        for _ in range(100000):
            pass
        os._exit(0 if lib.f() == before else 1)
    assert os.waitpid(child, 0)[1] == 0
    spin(lambda: lib.f() == i)
print("done")
""") == ["done"]


def test_the_end_of_the_process_does_not_wait(tmp_path):
    for _ in range(5):
        assert run(tmp_path, "def f():\n    return 1\n", """
save("def f():\\n    return 2\\n")
print("done")
""") == ["done"]
