"""`midflight attach`: into processes that were not prepared, and the words where a door is shut."""

import os
import shutil
import subprocess
import sys

import pytest
from helpers import PYTHON, wait_for, write
from live import Live, ask

REMOTE = hasattr(sys, "remote_exec")
PLAIN = """
    import sys
    import lib
    print("ready", flush=True)
    for line in sys.stdin:
        print(eval(line), flush=True)
    """
BUSY = """
    import sys, time
    import lib
    print("ready", flush=True)
    while lib.answer() == 1:
        time.sleep(0.01)
    print(lib.answer(), flush=True)
    """


@pytest.fixture
def live(tmp_path):
    live = Live(tmp_path)
    write(tmp_path, {"plain.py": PLAIN, "busy.py": BUSY})
    return live


def test_into_an_unprepared_process(live):
    with live.program(*PYTHON, "busy.py") as program:
        program.lines_until("ready")
        pid = program.process.pid
        code, _, err = live.command("status", pid)
        assert code == 5 and f"midflight attach {pid}" in err
        code, out, err = live.command("attach", pid, "--once")
        if not REMOTE and not shutil.which("gdb"):
            assert code == 5 and "no gdb" in err       # no way in on this machine: it says so
            return
        assert code == 0 and "can be reached" in out, err
        assert live.json("attach", pid, "--once")["pid"] == pid         # again: the door is open
        write(live.folder, {"lib.py": "def answer():\n    return 2\n"})
        assert live.json("update", pid)["outcome"] == "committed"
        assert program.line() == "2"
        assert program.end()[0] == 0
    assert live.sockets() == []


def test_a_process_that_does_not_come_back_from_c(live):
    if not REMOTE and not shutil.which("gdb"):
        return                                          # the word for that is tested above
    with live.program(*PYTHON, "plain.py") as program:
        program.lines_until("ready")                    # it waits in a read from now on
        code, _, err = live.command("attach", program.process.pid, "--once", "--timeout", "2")
        assert code == 5 and "C call" in err, err
        assert ask(program, "'midflight' in __import__('sys').modules") == "False"
        assert ask(program, "'midflight' in __import__('sys').modules") == "False"
        assert program.end()[0] == 0


def test_a_debugger_is_not_given_what_was_preloaded(live, tmp_path):
    tools = tmp_path / "tools"
    write(tools, {"gdb": '#!/bin/sh\necho "preloaded: [$LD_PRELOAD]" > seen\n'})
    os.chmod(tools / "gdb", 0o755)
    with live.program(*PYTHON, "busy.py") as program:
        program.lines_until("ready")
        code, _, err = live.command("attach", program.process.pid, "--once", PATH=f"{tools}:{os.environ['PATH']}", LD_PRELOAD="libc.so.6")
        assert code == (0 if REMOTE else 5), err
    assert REMOTE or (live.folder / "seen").read_text() == "preloaded: []\n"


def test_without_gdb_it_says_what_to_do(live, tmp_path):
    with live.program(*PYTHON, "busy.py") as program:
        program.lines_until("ready")
        code, out, err = live.command("attach", program.process.pid, "--once", PATH=str(tmp_path))
        if REMOTE:
            assert code == 0, err
        else:
            assert code == 5 and "apt install gdb" in err and "midflight.auto" in err


def test_a_door_that_the_program_has_shut(live):
    with live.program(*PYTHON, "busy.py", PYTHON_DISABLE_REMOTE_DEBUG="1") as program:
        program.lines_until("ready")
        code, _, err = live.command("attach", program.process.pid, "--once")
        if REMOTE:
            assert code == 5 and "has shut this door itself" in err, err


def test_no_such_process_and_no_python(live):
    code, _, err = live.command("attach", 4194304 + 5)
    assert code == 5 and "there is no process" in err
    with subprocess.Popen([shutil.which("cat")], stdin=subprocess.PIPE) as other:
        code, _, err = live.command("attach", other.pid, "--once")
        assert code == 5 and "no Python process" in err
        other.stdin.close()


def test_another_users_process(live):
    if os.geteuid() == 0:
        return                                          # root may reach all
    code, _, err = live.command("attach", 1)
    assert code == 5 and "belongs to user" in err


def test_doctor(live, tmp_path):
    code, out, _ = live.command("doctor")
    assert code == 0 and f"sockets will be in {live.run_time}/midflight" in out and "unprepared processes" in out
    (live.run_time / "midflight").symlink_to(tmp_path)
    assert "symbolic link" in live.command("doctor")[1]
    (live.run_time / "midflight").unlink()
    with live.program() as program:
        program.lines_until("ready")
        code, out, _ = live.command("doctor", program.process.pid)
        assert code == 0 and "updates work" in out and "not known" not in out
        assert live.json("doctor", "app")["pid"] == program.process.pid
    code, _, err = live.command("doctor", "nobody")
    assert code == 5 and "nobody" in err


def test_following_the_updates(live):
    with live.program() as program:
        program.lines_until("ready")
        with live.program(*PYTHON, "-m", "midflight", "attach", "app") as follower:
            assert "attached" in follower.line()
            write(live.folder, {"lib.py": "def answer():\n    return 2\n"})
            assert live.json("update", "app")["outcome"] == "committed"
            assert "~answer" in follower.line()
            follower.process.send_signal(2)             # Ctrl-C leaves; the process goes on
            assert follower.process.wait(20) == 0
        assert ask(program, "lib.answer()") == "2"
        with live.program(*PYTHON, "-m", "midflight", "attach", "app", "--json") as follower:
            assert '"attached"' in follower.line()
            program.end()
            assert wait_for(lambda: follower.process.poll()) == 5
