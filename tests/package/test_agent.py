"""The agent's socket: who may come in, what is left when the process ends, what it costs."""

import os
import stat
import subprocess
import sys
import time

import pytest
from helpers import MIDFLIGHT, PYTHON, Program, environment, wait_for, write
from live import Raw, ask, raw

from midflight.attach import places


# ---- the door


def test_no_other_run_of_the_tests_finds_a_program_of_this_one(live):
    """A program of a test that says nothing of a run-time folder."""
    with Program([*MIDFLIGHT, "run", "--no-watch", "app.py"], live.folder) as program:
        program.lines_until("ready")
        name = f"{program.process.pid}.sock"
        assert os.path.exists(os.path.join(environment()["XDG_RUNTIME_DIR"], "midflight", name))
        assert not any(os.path.exists(f"{folder}/{name}") for folder in places.candidates() if folder != places.own())


def test_the_door_is_closed_to_others(live, program):
    folder, path = live.run_time / "midflight", live.path(program.process.pid)
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600 and stat.S_ISSOCK(os.stat(path).st_mode)


def test_hello_names_protocol_versions_capabilities(live, program):
    with raw(live, program) as end:
        hello = end.line()
    assert hello["method"] == "hello"
    params = hello["params"]
    assert params["protocol"] == [1] and params["pid"] == program.process.pid and params["name"] == "app"
    assert {"status", "plan", "update", "hotfix", "undo", "history", "confirm", "doctor", "hello"} <= set(params["capabilities"])
    assert params["python"] == "%d.%d.%d" % sys.version_info[:3] and params["mode"] == "dev"


@pytest.mark.parametrize("how", ["link", "open", "file", "above"])
def test_an_unsafe_folder_is_refused_with_a_word(live, how, tmp_path):
    folder = live.run_time / "midflight"
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    words = {"link": "symbolic link", "open": "open to others", "file": "no folder", "above": "others can replace"}
    if how == "link":
        folder.symlink_to(other)
    elif how == "open":
        folder.mkdir()
        folder.chmod(0o755)
    elif how == "file":
        folder.write_text("")
    else:
        live.run_time.chmod(0o777)
    with live.program() as program:
        program.lines_until("ready")
        program.said("cannot be reached")
        assert words[how] in program.errors()
        assert ask(program, "lib.answer()") == "1"
    assert not os.listdir(other)


def test_another_users_folder_is_refused(live, tmp_path):
    """As root the owner can be another; else the folder of root stands for it."""
    if os.geteuid() == 0:
        os.chown(live.run_time, 12345, 12345)
        place = live.run_time
    else:
        place = "/"
    done = subprocess.run([*PYTHON, "-c", "from midflight.attach import places\ntry:\n    places.check_above(%r, 54321)\n"
                           "except OSError as error:\n    print(error)" % str(place)], capture_output=True, text=True)
    assert "belongs to user" in done.stdout or os.geteuid() != 0


def test_another_user_is_turned_away(live, program):
    """Even one that could pass the folder: what counts is who connects."""
    if os.geteuid() != 0:
        return                          # only root can become another user
    folders = [folder for folder in [*live.run_time.parents, live.run_time, live.run_time / "midflight"]
               if str(folder).startswith(os.environ.get("TMPDIR", "/tmp") + "/")]
    modes = [stat.S_IMODE(folder.stat().st_mode) for folder in folders]
    path = live.path(program.process.pid)
    try:
        for folder, mode in zip(folders, modes):
            folder.chmod(mode | 0o011)          # to pass, not to write: others' tests live there, too
        os.chmod(path, 0o666)
        done = subprocess.run([sys.executable, "-S", "-c", f"""
import os, socket
end = socket.socket(socket.AF_UNIX)
os.setuid(12345)
end.connect({path!r})
print(end.makefile().read())
"""], capture_output=True, text=True)
    finally:
        for folder, mode in zip(folders, modes):
            folder.chmod(mode)
    assert "another user" in done.stdout, done


def test_switches(live):
    with live.program(*PYTHON, "-m", "midflight", "run", "--no-agent", "app.py") as program:
        program.lines_until("ready")
        assert live.sockets() == []
    with live.program(MIDFLIGHT_AGENT="0") as program:
        program.lines_until("ready")
        assert live.sockets() == []
    with live.program(MIDFLIGHT_DISABLE="1") as program:
        program.lines_until("ready")
        assert live.sockets() == []


@pytest.mark.parametrize("first,env", [("import midflight.auto", {}), ("import midflight; midflight.start()", {"MIDFLIGHT_AGENT": "1"})])
def test_programs_that_prepare_themselves(live, first, env):
    write(live.folder, {"own.py": first + "\n" + (live.folder / "app.py").read_text()})
    with live.program(*PYTHON, "own.py", MIDFLIGHT_NAME="shop", **env) as program:
        program.lines_until("ready")
        write(live.folder, {"lib.py": "def answer():\n    return 2\n"})
        assert live.json("update", "shop")["outcome"] == "committed"
        assert ask(program, "lib.answer()") == "2"
        assert program.end()[0] == 0
    assert live.sockets() == []


# ---- the end


def test_nothing_is_left_at_the_end(live):
    with live.program() as program:
        program.lines_until("ready")
        assert live.sockets() == [f"{program.process.pid}.sock"]
        assert program.end()[0] == 0
    assert live.sockets() == []


def test_sockets_of_the_dead_are_swept(live):
    with live.program() as program:
        program.lines_until("ready")
        dead = program.process.pid
        program.process.kill()
        program.process.wait()
    assert live.sockets() == [f"{dead}.sock"]
    with live.program() as program:
        program.lines_until("ready")
        assert live.sockets() == [f"{program.process.pid}.sock"]


def test_after_exec_the_old_door_is_gone(live):
    write(live.folder, {"change.py": """
        import os, sys
        print("ready", flush=True)
        sys.stdin.readline()
        os.execv(sys.executable, [sys.executable, "-c", "import sys; print('other', flush=True); sys.stdin.readline()"])
        """})
    with live.program(*PYTHON, "-m", "midflight", "run", "--no-watch", "change.py") as program:
        program.lines_until("ready")
        program.process.stdin.write("\n")
        program.process.stdin.flush()
        program.lines_until("other")
        code, _, err = live.command("status", program.process.pid)
        assert code == 5 and "has no agent" in err
        assert live.sockets() == []


def test_a_forked_child_has_its_own(live):
    write(live.folder, {"forks.py": """
        import os, sys
        import time
        import lib
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            while os.getppid() == parent:
                time.sleep(0.01)
            os._exit(0)
        print(pid, flush=True)
        print("ready", flush=True)
        sys.stdin.readline()
        os.kill(pid, 15)
        os.waitpid(pid, 0)
        """})
    with live.program(*PYTHON, "-m", "midflight", "run", "--no-watch", "forks.py") as program:
        child = int(program.lines_until("ready")[0])
        wait_for(lambda: live.sockets() == sorted([f"{program.process.pid}.sock", f"{child}.sock"]))
        with Raw(live.path(child)) as end:
            assert end.line()["params"]["pid"] == child
            assert end.call("status")["result"]["pid"] == child
        assert program.end("\n")[0] == 0


def test_subinterpreters_have_their_own(live):
    write(live.folder, {"subs.py": """
        import sys
        import midflight.auto
        try:
            import _interpreters as subs
            make = lambda: subs.create("legacy")
        except ImportError:
            import _xxsubinterpreters as subs
            make = lambda: subs.create(isolated=False)
        one = make()
        subs.run_string(one, f"import sys; sys.path.insert(0, {sys.path[0]!r}); import midflight.auto; import lib")
        print("ready", flush=True)
        sys.stdin.readline()
        subs.destroy(one)
        print("destroyed", flush=True)
        sys.stdin.readline()
        """})
    with live.program(*PYTHON, "subs.py", MIDFLIGHT_ROOTS=str(live.folder)) as program:
        program.lines_until("ready")
        pid = program.process.pid
        assert len(live.sockets()) == 2, program.errors()
        name = next(name for name in live.sockets() if "-" in name).partition(".")[0]
        write(live.folder, {"lib.py": "def answer():\n    return 2\n"})
        assert live.json("update", name, "--only")["processes"][0]["changed"][0]["name"] == "answer"
        program.process.stdin.write("\n")
        program.process.stdin.flush()
        program.lines_until("destroyed")
        assert live.sockets() == [f"{pid}.sock"]
        assert program.end("\n")[0] == 0


# ---- what it costs


def switches(pid):
    return sum(int(line.split()[1]) for task in os.listdir(f"/proc/{pid}/task")
               for line in open(f"/proc/{pid}/task/{task}/status") if "ctxt_switches" in line)


def test_idle_it_costs_one_thread_and_no_wake_ups(live, program):
    pid = program.process.pid
    with raw(live, program) as end:
        end.line()
        end.call("listen")
        wait_for(lambda: len(os.listdir(f"/proc/{pid}/task")) == 2)
        before, ticks = switches(pid), sum(os.times()[2:4])
        time.sleep(1.5)
        assert switches(pid) - before <= 2, ticks
        assert len(os.listdir(f"/proc/{pid}/task")) == 2


def test_the_program_may_fork_without_a_warning(live):
    write(live.folder, {"app.py": """
        import os, warnings
        warnings.simplefilter("error")
        for _ in range(20):
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
        """})
    with live.program() as program:
        code, _, err = program.end()
    assert code == 0 and "Warning" not in err, err


def test_no_descriptor_is_left(live):
    write(live.folder, {"app.py": """
        import os, sys
        from midflight import agent, api
        print("ready", flush=True)
        sys.stdin.readline()
        agent.stop()
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(20):
            agent.start()
            agent.stop()
        print(len(os.listdir("/proc/self/fd")) - before, api.agent_path(), flush=True)
        """})
    with live.program() as program:
        program.lines_until("ready")
        code, out, _ = program.end("\n")
    assert out.strip() == "0 None" and code == 0


def test_a_child_of_a_child(live):
    write(live.folder, {"app.py": """
        import os, sys
        down, up = os.pipe(), os.pipe()
        if os.fork() == 0:
            if os.fork() == 0:
                os.write(up[1], b"%d\\n" % os.getpid())
                os.read(down[0], 1)
            else:
                os.wait()
            os._exit(0)
        print(os.read(up[0], 20).decode().strip(), flush=True)
        print("ready", flush=True)
        sys.stdin.readline()
        os.write(down[1], b".")
        os.wait()
        """})
    with live.program() as program:
        child = int(program.lines_until("ready")[0])
        with Raw(live.path(child)) as end:
            assert end.line()["params"]["pid"] == child
        assert len(live.json("status")["processes"]) == 3
        assert program.end("\n")[0] == 0


def test_the_handler_survives_a_program_that_goes_while_it_runs(live):
    """sys.exit of the main thread while a request is staged: it ends in time, and with its own exit code."""
    write(live.folder, {"lib.py": "def answer():\n    return 1\n"})
    with live.program() as program:
        program.lines_until("ready")
        write(live.folder, {"lib.py": "import sys, time\nprint('staging', flush=True)\ntime.sleep(0.3)\ndef answer():\n    return 2\n"})
        with Raw(live.path(program.process.pid)) as end:
            end.line()
            end.send(b'{"jsonrpc": "2.0", "id": 1, "method": "update"}\n')
            program.lines_until("staging")
            assert program.end("")[0] == 0
    assert live.sockets() == []


def test_program_is_not_disturbed_by_an_unusable_folder(live):
    """Its socket is in the folder of all that have none of their own: it has a name that no other test asks for."""
    (live.folder / "app.py").rename(live.folder / "apart.py")
    with Program([*PYTHON, "-m", "midflight", "run", "apart.py"], live.folder, XDG_RUNTIME_DIR="/dev/null/x") as program:
        program.lines_until("ready")
