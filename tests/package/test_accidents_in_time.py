"""Saves and updates at bad moments: during an update, in code that it changes, in signal handlers, imports and children;
edits that no clock tells apart; staged code that does not end."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from helpers import RUN, Program, environment, save, wait_for, write

PRELUDE = """
import os, sys, threading
import midflight
midflight.start(roots=[os.getcwd()], exclude=["script.py"])
sys.path.insert(0, os.getcwd())

def save(name, text, stamp=None):
    with open(name + ".part", "w") as file:
        file.write(text)
    if stamp is not None:
        os.utime(name + ".part", ns=(stamp, stamp))
    os.replace(name + ".part", name)

def path(name):
    return os.path.abspath(name)
"""


@pytest.fixture
def program(tmp_path):
    def run(script, files, **env):
        write(tmp_path, {**files, "script.py": PRELUDE + textwrap.dedent(script)})
        done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60,
                              env={**environment(), **env})
        assert done.returncode == 0, done.stderr[-3000:]
        return done

    return run


WORD = {"lib.py": "def word():\n    return 'one'\n", "user.py": "from lib import word\n"}


def test_two_edits_within_a_millisecond(program):
    program("""
        import user, lib
        stamp = os.stat("lib.py").st_mtime_ns
        for round in range(200):
            for word in ("two", "six"):
                save("lib.py", f"def word():\\n    return {word!r}\\n", stamp)
                assert midflight.update().outcome == "committed" and user.word() == word
        save("lib.py", "def word():\\n    return 'ten'\\n", stamp)
        save("lib.py", "def word():\\n    return 'red'\\n", stamp)
        midflight.update()
        assert user.word() == "red"
        """, WORD)


@pytest.mark.parametrize("write_bytecode", ["", "1"])
def test_same_size_within_the_same_second_with_bytecode_files(program, write_bytecode):
    """A .pyc is keyed by second and size: what is imported anew after an update must not be old code."""
    program("""
        import importlib.util
        import user, lib
        stamp = os.stat("lib.py").st_mtime_ns
        cached = importlib.util.cache_from_source(path("lib.py"))
        assert os.path.exists(cached) == (not sys.dont_write_bytecode)
        for word in ("two", "six"):
            save("lib.py", f"def word():\\n    return {word!r}\\n", stamp)
            assert midflight.update().outcome == "committed" and user.word() == word
            save("new.py", f"import lib\\nWORD = lib.word()\\n", stamp)
            save("user.py", f"from lib import word\\nfrom new import WORD # {word}\\n", stamp)
            assert midflight.update().outcome == "committed" and user.WORD == word, user.WORD
            del sys.modules["new"]
            save("user.py", "from lib import word\\n", stamp)
            midflight.update()
        """, WORD, PYTHONDONTWRITEBYTECODE=write_bytecode)


def test_saved_while_the_update_runs(program):
    program("""
        import user, lib
        save("lib.py", '''
        import os
        def word():
            return 'two'
        with open('lib.py', 'w') as file:
            file.write("def word():\\\\n    return 'three'\\\\n")
        ''')
        first = midflight.update()
        assert first.outcome == "committed" and user.word() == "two", first
        second = midflight.update()
        assert second.outcome == "committed" and user.word() == "three", second
        """, WORD)


def test_broken_while_the_update_runs(program):
    program("""
        import user, lib
        save("lib.py", '''
        def word():
            return 'two'
        with open('lib.py', 'w') as file:
            file.write("def word(")
        ''')
        assert midflight.update().outcome == "committed" and user.word() == "two"
        second = midflight.update()
        assert second.outcome == "rejected" and second.reasons[0].line == 1 and user.word() == "two"
        save("lib.py", "def word():\\n    return 'three'\\n")
        assert midflight.update().outcome == "committed" and user.word() == "three"
        """, WORD)


def test_asked_for_by_the_code_that_changes(program):
    program("""
        import lib
        def ask():
            return midflight.update()
        save("lib.py", lib.TEXT.replace("'one'", "'two'"))
        assert lib.outer(ask) == ["one", "committed", "two"], lib.outer(ask)
        save("lib.py", lib.TEXT.replace("'one'", "undefined").replace("TEXT =", "undefined; TEXT ="))
        assert lib.outer(ask) == ["two", "rejected", "two"]
        save("lib.py", lib.TEXT.replace("'one'", "'six'"))
        seen = []
        one, other = lib.steps(ask), lib.steps(lambda: None)
        next(one), next(other)
        assert [next(one), next(other)] == ["six", "six"]
        """, {"lib.py": """
        TEXT = open(__file__).read()
        def word():
            return 'one'
        def outer(ask):
            return [word(), ask().outcome, word()]
        def steps(ask):
            yield word()
            ask()
            yield word()
        """})


@pytest.mark.parametrize("moment", ["idle", "staging", "hook"])
def test_asked_for_by_a_signal_handler(program, moment):
    files = {**WORD, "other.py": "def word():\n    return 'one'\n"}
    program(f"""
        import signal, user, lib, other
        done = []
        signal.signal(signal.SIGUSR1, lambda *_: done.append(midflight.update([path("other.py")]).outcome))
        save("other.py", "def word():\\n    return 'two'\\n")
        moment = {moment!r}
        line = "import os, signal; os.kill(os.getpid(), signal.SIGUSR1); [None for _ in range(1000)]"
        if moment == "idle":
            exec(line)
            assert done == ["committed"] and other.word() == "two"
        elif moment == "staging":
            save("lib.py", "def word():\\n    return 'two'\\n" + line + "\\n")
        else:
            save("lib.py", "def word():\\n    return 'two'\\ndef __after_update__(update):\\n    " + line + "\\n")
        if moment != "idle":
            assert midflight.update([path("lib.py")]).outcome == "committed" and user.word() == "two"
            assert done == ["skipped"], done
            assert midflight.update([path("lib.py")]).outcome == "committed" and other.word() == "two"
        """, files)


def test_asked_for_by_a_thread_of_staged_code(program):
    """It waits for the update that has started it, and the update does not wait for it."""
    program("""
        import user, lib
        done = []
        def ask():
            done.append(midflight.update([path("other.py")]).outcome)
        import other
        other.ask = ask
        save("other.py", "def word():\\n    return 'two'\\n")
        save("lib.py", '''
        import threading, other
        def word():
            return 'two'
        THREAD = threading.Thread(target=other.ask)
        THREAD.start()
        ''')
        assert midflight.update([path("lib.py")]).outcome == "committed" and user.word() == "two"
        lib.THREAD.join(20)
        assert done in (["committed"], ["skipped"]), done
        midflight.update()
        assert other.word() == "two"
        """, {**WORD, "other.py": "def word():\n    return 'one'\n"})


def test_asked_for_inside_an_import_of_the_file_itself(program):
    program("""
        import lib
        assert lib.OUTCOMES == ["skipped"], lib.OUTCOMES
        assert lib.word() == "one"
        assert midflight.update().outcome == "committed" and lib.word() == "two"
        """, {"lib.py": """
        import midflight
        def word():
            return 'one'
        with open(__file__) as file:
            TEXT = file.read()
        with open(__file__, "w") as file:
            file.write(TEXT.replace("'one'", "'two'", 1))
        OUTCOMES = [midflight.update([__file__]).outcome]    # midflight: once
        """})


def test_asked_for_in_a_child(program):
    program("""
        import user, lib
        save("lib.py", "def word():\\n    return 'two'\\n")
        pid = os.fork()
        if pid == 0:
            good = midflight.update().outcome == "committed" and user.word() == "two"
            save("lib.py", "def word(:")
            good = good and midflight.update().outcome == "rejected" and user.word() == "two"
            save("lib.py", "def word():\\n    return 'six'\\n")
            good = good and midflight.update().outcome == "committed" and user.word() == "six"
            os._exit(not good)
        assert os.waitpid(pid, 0)[1] == 0 and user.word() == "one"
        assert midflight.update().outcome == "committed" and user.word() == "six"
        """, WORD)


ENDLESS = {"loop": "while True: pass", "sleep": "import time\nwhile True: time.sleep(60)", "lock": "import threading\nwhile not threading.Event().wait(1): pass",
           "call": "def f():\n    while True: pass\nf()", "catch": "while True:\n    try:\n        pass\n    except Exception:\n        pass"}
WAITS = """
    import sys, time
    import lib
    try:
        print("ready", flush=True)
        while True:
            time.sleep(0.05)
    except KeyboardInterrupt:
        print("interrupted", lib.word(), flush=True)
        sys.exit(7)
    """


@pytest.mark.parametrize("kind", ENDLESS)
def test_control_c_where_staged_code_does_not_end(tmp_path, kind):
    """The watcher's thread is in it for ever; the program ends as it ends without midflight."""
    write(tmp_path, {"pyproject.toml": "", "app.py": WAITS, **WORD})
    with Program([*RUN, "app.py"], tmp_path) as program:
        program.lines_until("ready")
        save(tmp_path / "lib.py", WORD["lib.py"].replace("one", "two") + f"open('begun', 'w').close()\n{ENDLESS[kind]}\n")
        wait_for(lambda: os.path.exists(tmp_path / "begun"))
        program.process.send_signal(signal.SIGINT)
        began = time.monotonic()
        code, out, err = program.end()
    assert (code, out) == (7, "interrupted one\n"), (code, out, err, time.monotonic() - began)


@pytest.mark.parametrize("kind", ENDLESS)
def test_control_c_in_a_call_of_update(tmp_path, kind):
    write(tmp_path, {**WORD, "script.py": PRELUDE + textwrap.dedent("""
        import user, lib
        save("lib.py", "def word():\\n    return 'two'\\nprint('begun', flush=True)\\n" + sys.argv[1] + "\\n")
        try:
            midflight.update()
        except KeyboardInterrupt:
            assert user.word() == "one" and lib.word is user.word, user.word()
            save("lib.py", "def word():\\n    return 'three'\\n")
            assert midflight.update().outcome == "committed" and user.word() == "three"
            print("passed on", flush=True)
        """)})
    with Program([sys.executable, "script.py", ENDLESS[kind]], tmp_path) as program:
        program.lines_until("begun")
        program.process.send_signal(signal.SIGINT)
        assert program.end()[:2] == (0, "passed on\n"), program.errors()
