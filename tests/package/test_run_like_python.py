"""`midflight run APP` must be `python APP`: the same program both ways, everything that can be seen compared."""

import os
import signal
import sys
import zipfile

import pytest
from helpers import MIDFLIGHT, PYTHON, RUN, Program, finish, ours, theirs, write

SHOW_MAIN = """
import sys, __main__
def shown(value):
    return value if isinstance(value, (str, type(None))) else type(value).__name__
for name, value in sorted(vars(__main__).items()):
    if name.startswith("__"):
        print(name, shown(value), getattr(value, "name", ""), getattr(value, "origin", ""), getattr(value, "parent", ""))
print(__main__.__dict__ is globals(), sys.modules["__main__"] is __main__, __name__)
print(sys.argv, sys.path[0], len(sys.path), sys.flags, sys.executable)
"""
DEEP = """
def one(): two()
def two(): 1 / 0
"""

# name: (files, command, stdin)
SAME = {
    "arguments": ({"app.py": "import sys; print(sys.argv)"}, ["app.py", "-v", "--", "-m", "x y", ""], ""),
    "main of a script": ({"app.py": SHOW_MAIN}, ["app.py", "1"], ""),
    "main of ./script": ({"app.py": SHOW_MAIN}, ["./app.py"], ""),
    "main below": ({"a/b/app.py": SHOW_MAIN}, ["a/b/../b/app.py"], ""),
    "script without suffix": ({"tool": SHOW_MAIN}, ["tool"], ""),
    "main of a module": ({"mod.py": SHOW_MAIN}, ["-m", "mod", "1", "-m"], ""),
    "main of a package": ({"pkg/__init__.py": "print('init')", "pkg/__main__.py": "from . import sub\n" + SHOW_MAIN,
                           "pkg/sub.py": "print(__name__)"}, ["-m", "pkg", "x"], ""),
    "main of a submodule": ({"pkg/__init__.py": "", "pkg/sub.py": SHOW_MAIN}, ["-m", "pkg.sub"], ""),
    "-mmod in one word": ({"mod.py": SHOW_MAIN}, ["-mmod", "1"], ""),
    "folder": ({"app/__main__.py": "import lib\n" + SHOW_MAIN, "app/lib.py": "print('lib')"}, ["app", "x"], ""),
    "folder without main": ({"app/lib.py": ""}, ["app"], ""),
    "standard input": ({}, ["-", "x"], "import sys; print(sys.argv, sys.path[0] == '', __name__)"),
    "no such module": ({}, ["-m", "nowhere"], ""),
    "no such submodule": ({"pkg/__init__.py": ""}, ["-m", "pkg.nowhere"], ""),
    "package without main": ({"pkg/__init__.py": ""}, ["-m", "pkg"], ""),
    "package that fails": ({"pkg/__init__.py": "1/0", "pkg/__main__.py": ""}, ["-m", "pkg"], ""),
    "exit nothing": ({"app.py": "import sys; sys.exit()"}, ["app.py"], ""),
    "exit 3": ({"app.py": "import sys; sys.exit(3)"}, ["app.py"], ""),
    "exit text": ({"app.py": "import sys; sys.exit('bad')"}, ["app.py"], ""),
    "exit True": ({"app.py": "raise SystemExit(True)"}, ["app.py"], ""),
    "exit -1": ({"app.py": "raise SystemExit(-1)"}, ["app.py"], ""),
    "exit of a module": ({"mod.py": "import sys; sys.exit(4)"}, ["-m", "mod"], ""),
    "_exit": ({"app.py": "import os; os._exit(7)"}, ["app.py"], ""),
    "abort": ({"app.py": "import os; os.abort()"}, ["app.py"], ""),
    "exception": ({"app.py": DEEP + "one()"}, ["app.py"], ""),
    "exception in a module": ({"lib.py": DEEP, "app.py": "import lib\nlib.one()"}, ["app.py"], ""),
    "exception of -m": ({"mod.py": DEEP + "one()"}, ["-m", "mod"], ""),
    "exception of a folder": ({"app/__main__.py": DEEP + "one()"}, ["app"], ""),
    "chained": ({"app.py": DEEP + "try: one()\nexcept Exception as e: raise ValueError('x') from e"}, ["app.py"], ""),
    "in handling": ({"app.py": DEEP + "try: one()\nexcept Exception: [].x"}, ["app.py"], ""),
    "group": ({"app.py": "raise ExceptionGroup('g', [ValueError(1), TypeError(2)])"}, ["app.py"], ""),
    "notes": ({"app.py": "e = ValueError(1); e.add_note('note'); raise e"}, ["app.py"], ""),
    "syntax error": ({"app.py": "x = 1\ny = (\n"}, ["app.py"], ""),
    "syntax error of -m": ({"mod.py": "x = 1\ny = (\n"}, ["-m", "mod"], ""),
    "syntax error in import": ({"app.py": "import lib", "lib.py": "def f(:\n"}, ["app.py"], ""),
    "cookie": ({"app.py": b"# coding: latin-1\nprint(ascii('\xe9'))\n"}, ["app.py"], ""),
    "byte order mark": ({"app.py": b"\xef\xbb\xbfprint('bom')\n"}, ["app.py"], ""),
    "empty": ({"app.py": ""}, ["app.py"], ""),
    "excepthook": ({"app.py": """
        import sys, traceback
        def hook(kind, value, tb):
            print(kind, value, [f.name for f in traceback.extract_tb(tb)], value.__traceback__ is tb, tb is sys.last_traceback,
                  sys.excepthook is hook)
        sys.excepthook = hook
        def f(): raise ValueError(1)
        f()"""}, ["app.py"], ""),
    "excepthook that fails": ({"app.py": """
        import sys
        def hook(kind, value, tb): raise TypeError('in hook')
        sys.excepthook = hook
        raise ValueError(1)"""}, ["app.py"], ""),
    "excepthook is python's": ({"app.py": "import sys; print(sys.excepthook is sys.__excepthook__, sys.stdin)"}, ["app.py"], ""),
    "keyboard interrupt": ({"app.py": "import atexit; atexit.register(print, 'atexit')\nraise KeyboardInterrupt"}, ["app.py"], ""),
    "interrupt of -m": ({"mod.py": "import atexit; atexit.register(print, 'atexit')\nraise KeyboardInterrupt"}, ["-m", "mod"], ""),
    "atexit": ({"app.py": """
        import atexit
        atexit.register(print, 'first'); atexit.register(print, 'second')
        class Loud:
            def __del__(self): print('gone', __name__)
        keep = Loud()
        print('end')"""}, ["app.py"], ""),
    "atexit that fails": ({"app.py": "import atexit\n@atexit.register\ndef f(): 1/0\n"}, ["app.py"], ""),
    "threads": ({"app.py": """
        import threading, time
        print(threading.main_thread() is threading.current_thread(), threading.active_count(), [t.name for t in threading.enumerate()])
        def work():
            time.sleep(0.1); print('worked'); 1/0
        t = threading.Thread(target=work, name='worker'); t.start(); print('end')"""}, ["app.py"], ""),
    "daemon": ({"app.py": """
        import threading, time
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start(); print('end')"""}, ["app.py"], ""),
    "input": ({"app.py": "print(input('name? ')); import sys; print(sys.stdin.readline()); print(list(sys.stdin))"},
              ["app.py"], "a\nb\nc\nd\n"),
    "end of input": ({"app.py": "input()"}, ["app.py"], ""),
    "pdb": ({"app.py": "x = 1\nbreakpoint()\nprint('after', x)\n"}, ["app.py"], "p x\nc\n"),
    "-m pdb": ({"app.py": "x = 1\nprint('after', x)\n"}, ["-m", "pdb", "app.py"], "n\np x\nn\nq\n"),
    "-m unittest": ({"test_x.py": "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): self.assertEqual(1, 1)\n"},
                    ["-m", "unittest", "-q", "--locals", "test_x.T.test_b"], ""),
    "own json.py": ({"app.py": "import json, argparse; print(json.mine, argparse.mine)", "json.py": "mine = 1",
                     "argparse/__init__.py": "mine = 2"}, ["app.py"], ""),
    "pickle": ({"app.py": """
        import pickle
        class Point: pass
        print(type(pickle.loads(pickle.dumps(Point()))) is Point, Point.__module__)"""}, ["app.py"], ""),
    "inspect": ({"app.py": "import inspect\ndef f():\n    return 1  # here\nprint(inspect.getsource(f), inspect.getfile(f))"},
                ["app.py"], ""),
    "warnings": ({"app.py": """
        import warnings
        warnings.warn('old', DeprecationWarning)
        def f(): warnings.warn('from f', stacklevel=2)
        f()"""}, ["app.py"], ""),
    "bad escape": ({"app.py": "x = '\\d'\n"}, ["app.py"], ""),
    "multiprocessing": ({"app.py": """
        import multiprocessing as mp, sys
        def work(x): return x * 2, __name__, len(sys.argv)
        if __name__ == '__main__':
            for way in ('spawn', 'fork'):
                with mp.get_context(way).Pool(1) as pool: print(pool.map(work, [1, 2]))"""}, ["app.py", "a"], ""),
    "multiprocessing of -m": ({"pkg/__init__.py": "", "pkg/__main__.py": """
        import multiprocessing as mp
        from .lib import work
        if __name__ == '__main__':
            with mp.get_context('spawn').Pool(1) as pool: print(pool.map(work, [1, 2]))""",
                               "pkg/lib.py": "def work(x): return x * 2, __name__"}, ["-m", "pkg"], ""),
    "fork": ({"app.py": """
        import os
        pid = os.fork()                          # from 3.12 on this warns where there are threads: ours is not there
        if not pid: print('child', flush=True); os._exit(5)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))"""}, ["app.py"], ""),
    "asyncio": ({"app.py": """
        import asyncio
        async def main(): await asyncio.sleep(0.01); print('done'); raise ValueError(1)
        asyncio.run(main())"""}, ["app.py"], ""),
    "signals as they were": ({"app.py": """
        import signal
        print([(s.name, signal.getsignal(s)) for s in sorted(signal.valid_signals()) if isinstance(s, signal.Signals)])
        print(signal.pthread_sigmask(signal.SIG_BLOCK, ()), signal.set_wakeup_fd(-1))"""}, ["app.py"], ""),
    "loads itself again": ({"app.py": """
        print(__name__)
        if __name__ == '__main__':
            import app, sys
            print(app is not sys.modules['__main__'])"""}, ["app.py"], ""),
    "global namespace": ({"app.py": "x = 1\nexec('x += 1')\nprint(x, eval('x'), sorted(n for n in dir() if n[0] != '_'))"}, ["app.py"], ""),
}


def steady(text):
    import re

    return re.sub(r"in \d+\.\d+s", "in 0s", re.sub(r"0x[0-9a-f]+", "0x", text))


@pytest.mark.parametrize("name", SAME)
def test_same(tmp_path, name):
    files, command, stdin = SAME[name]
    write(tmp_path, files)
    wanted = finish([*PYTHON, *command], tmp_path, stdin)
    got = finish([*RUN, *command], tmp_path, stdin)
    assert steady(got[1]) == steady(wanted[1])
    assert theirs(steady(got[2])) == theirs(steady(wanted[2]))
    assert got[0] == wanted[0]


@pytest.mark.parametrize("flags", [["-O"], ["-P"], ["-W", "error"], ["-X", "dev"], ["-u"], ["-B", "-s"]], ids=" ".join)
def test_flags(tmp_path, flags):
    write(tmp_path, {"app.py": SHOW_MAIN + "\nassert not __debug__, 'asserts'\nimport warnings; warnings.warn('w')"})
    wanted = finish([*PYTHON, *flags, "app.py"], tmp_path)
    got = finish([*PYTHON, *flags, "-m", "midflight", "run", "app.py"], tmp_path)
    assert got[1] == wanted[1]
    assert (got[0], theirs(got[2])) == (wanted[0], theirs(wanted[2]))


def test_interactive_afterwards(tmp_path):
    write(tmp_path, {"app.py": "x = 41\n"})
    wanted = finish([*PYTHON, "-i", "app.py"], tmp_path, "print(x + 1, __name__)\n")
    got = finish([*PYTHON, "-i", "-m", "midflight", "run", "app.py"], tmp_path, "print(x + 1, __name__)\n")
    assert wanted[1] == got[1] == "42 __main__\n" and theirs(got[2]) == theirs(wanted[2])


def test_linked_script(tmp_path):
    write(tmp_path, {"real/app.py": "import lib\n" + SHOW_MAIN, "real/lib.py": "print('lib')"})
    (tmp_path / "link.py").symlink_to("real/app.py")
    assert finish([*RUN, "link.py"], tmp_path)[:2] == finish([*PYTHON, "link.py"], tmp_path)[:2]


def test_archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "app.pyz", "w") as archive:
        archive.writestr("__main__.py", "import lib\n" + SHOW_MAIN)
        archive.writestr("lib.py", "print('lib')")
    wanted, got = finish([*PYTHON, "app.pyz", "a"], tmp_path), finish([*RUN, "app.pyz", "a"], tmp_path)
    assert (got[0], got[1], theirs(got[2])) == (wanted[0], wanted[1], theirs(wanted[2]))


def test_compiled_script(tmp_path):
    import py_compile

    write(tmp_path, {"app.py": SHOW_MAIN})
    py_compile.compile(str(tmp_path / "app.py"), str(tmp_path / "out.pyc"))
    assert finish([*RUN, "out.pyc"], tmp_path)[:2] == finish([*PYTHON, "out.pyc"], tmp_path)[:2]


def test_not_unicode(tmp_path):
    write(tmp_path, {"app.py": b"x = '\xff'\n"})
    for command in (PYTHON, RUN):
        code, out, err = finish([*command, "app.py"], tmp_path)
        assert (code, out) == (1, "") and err.splitlines()[-1].startswith("SyntaxError: ")


def test_no_such_file(tmp_path):
    code, out, err = finish([*RUN, "nowhere.py"], tmp_path)
    assert (code, out) == (2, "")
    assert err == f"midflight: can't open file {str(tmp_path / 'nowhere.py')!r}: [Errno 2] No such file or directory\n"
    assert finish([*PYTHON, "nowhere.py"], tmp_path)[0] == 2


# Says once, from inside the statement, that it is there; it is one line, so that every traceback names the same.
LOOP = "while True: said or said.append(print('ready', flush=True)); "


@pytest.mark.parametrize("body", [
    LOOP + "time.sleep(0.01)", f"try:\n    {LOOP}time.sleep(0.01)\nfinally: print('finally', flush=True)",
    f"signal.signal(signal.SIGTERM, lambda *a: sys.exit(9))\n{LOOP}time.sleep(0.01)",
    f"signal.signal(signal.SIGINT, signal.SIG_DFL)\n{LOOP}time.sleep(0.01)",
    f"threading.Thread(target=time.sleep, args=(0.3,)).start()\n{LOOP}time.sleep(0.01)",
    LOOP + "pass",
], ids=["sleep", "finally", "handler", "default", "thread", "busy"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_signal(tmp_path, body, number):
    write(tmp_path, {"app.py": "import atexit, signal, sys, threading, time\natexit.register(print, 'atexit')\n"
                               "said = []\n" + body})
    ends = []
    for command in (PYTHON, RUN):
        with Program([*command, "app.py"], tmp_path) as program:
            program.lines_until("ready")
            program.process.send_signal(number)
            code, out, err = program.end()
            ends.append((code, out, [line for line in theirs(err) if not line.strip(" ^~")  == "" or not line]))
    assert ends[0] == ends[1]


def test_exit_by_signal_is_130_in_a_shell(tmp_path):
    write(tmp_path, {"app.py": "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT); time.sleep(5)"})
    command = " ".join([*RUN, "app.py"]) + "; echo $?"
    assert finish(["sh", "-c", command], tmp_path)[1] == "130\n"


def test_environment_switch(tmp_path):
    write(tmp_path, {"app.py": "print('ran')", "pyproject.toml": "[tool.midflight]\nroots = 3\n"})
    code, out, err = finish([*RUN, "app.py"], tmp_path, MIDFLIGHT_DISABLE="1")
    assert (code, out) == (0, "ran\n")
    assert ours(err) == ["midflight  updates are switched off by MIDFLIGHT_DISABLE"]


def test_wrong_setting_ends_before_the_program(tmp_path):
    write(tmp_path, {"app.py": "print('ran')", "pyproject.toml": "[tool.midflight]\nstragglers = 'none'\n"})
    code, out, err = finish([*RUN, "app.py"], tmp_path)
    assert (code, out) == (2, "")
    assert f"{tmp_path}/pyproject.toml: [tool.midflight]: stragglers = 'none' is not allowed" in err
    assert '"move", "finish", "wait" or "reject"' in err


def test_which_program(tmp_path):
    assert finish(RUN, tmp_path)[0] == 2
    assert finish([*RUN, "--no-such-option", "app.py"], tmp_path)[0] == 2
    assert finish(MIDFLIGHT, tmp_path)[0] == 2


def test_help_teaches(tmp_path):
    code, out, _ = finish([*MIDFLIGHT, "--help"], tmp_path)
    assert code == 0 and "midflight run app.py" in out
    for command in ("run", "check", "doctor", "attach", "status", "plan", "update", "hotfix", "undo", "history"):
        assert command in out
    assert "rollout" not in out
    assert "keys" in finish([*MIDFLIGHT, "run", "--help"], tmp_path)[1]


def test_script_of_the_environment(tmp_path):
    """The installed command, where there is one, is the same thing."""
    command = os.path.join(os.path.dirname(sys.executable), "midflight")
    if os.path.exists(command):
        write(tmp_path, {"app.py": SHOW_MAIN + "1/0"})
        wanted, got = finish([*PYTHON, "app.py", "a"], tmp_path), finish([command, "run", "app.py", "a"], tmp_path)
        assert (got[0], got[1], theirs(got[2])) == (wanted[0], wanted[1], theirs(wanted[2]))
