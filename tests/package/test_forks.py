"""Programs that fork under `midflight run`: parent and children each update by themselves."""

import json

import pytest
from helpers import RUN, Program, ours, save, wait_for, write

FORKS = """
    import os, sys
    import lib
    ends = []
    for _ in range(2):
        down, up = os.pipe(), os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(down[1])
            while os.read(down[0], 1):
                os.write(up[1], lib.answer().encode())
            os._exit(0)
        os.close(down[0])
        ends.append((down[1], up[0]))
    print("ready", flush=True)
    for line in sys.stdin:
        out = [lib.answer()]
        for down, up in ends:
            os.write(down, b"?")
            out.append(os.read(up, 10).decode())
        print(*out, flush=True)
    """


def ask(program):
    program.process.stdin.write("\n")
    program.process.stdin.flush()
    return program.line()


@pytest.fixture
def project(tmp_path):
    return write(tmp_path, {"pyproject.toml": "", "app.py": FORKS, "lib.py": "def answer():\n    return '1'\n"})


def test_children_update_themselves(project):
    with Program([*RUN, "app.py"], project) as program:
        program.lines_until("ready")
        for answer in "23":
            save(project / "lib.py", f"def answer():\n    return {answer!r}\n")
            wait_for(lambda: ask(program) == f"{answer} {answer} {answer}")
            wait_for(lambda: program.errors().count("~answer") == 3 * (int(answer) - 1))
        code, _, err = program.end()
    assert code == 0 and "Warning" not in err
    assert sum("[process " in line for line in ours(err)) == 4


def test_an_edit_around_the_fork_is_not_lost(tmp_path):
    """The parent has stopped watching and the child has not begun."""
    write(tmp_path, {"pyproject.toml": "", "lib.py": "def answer():\n    return '1'\n", "app.py": """
        import os, time
        import lib
        def edit():
            with open("lib.py.part", "w") as file:
                file.write("def answer():\\n    return '2'\\n")
            os.replace("lib.py.part", "lib.py")
        os.register_at_fork(before=edit)
        pid = os.fork()
        end = time.monotonic() + 20
        while lib.answer() != "2" and time.monotonic() < end:
            time.sleep(0.01)
        os.write(1, lib.answer().encode() + b"\\n")     # at once: the other process writes, too
        if pid:
            os.waitpid(pid, 0)
        else:
            os._exit(0)
        """})
    with Program([*RUN, "app.py"], tmp_path) as program:
        code, out, _ = program.end()
    assert (code, out) == (0, "2\n2\n")


def test_many_forks_leave_the_parent_watching(tmp_path):
    write(tmp_path, {"pyproject.toml": "", "lib.py": "def answer():\n    return '1'\n", "app.py": """
        import os, sys, threading
        import lib
        def forks():
            for _ in range(40):
                pid = os.fork()
                if pid == 0:
                    os._exit(0)
                os.waitpid(pid, 0)
        forks()
        with open("/proc/self/status") as status:
            print([line for line in status if line.startswith("Threads")], flush=True)
        for line in sys.stdin:
            print(lib.answer(), flush=True)
        """})
    with Program([*RUN, "app.py"], tmp_path) as program:
        program.lines_until("['Threads:\\t2\\n']")
        save(tmp_path / "lib.py", "def answer():\n    return '2'\n")
        wait_for(lambda: ask(program) == "2")


def test_hooks_of_the_program_come_before_the_thread(tmp_path):
    """Some Pythons count the threads, to warn, when the hooks of the parent have run: code that comes after ours."""
    write(tmp_path, {"pyproject.toml": "", "lib.py": "def answer():\n    return '1'\n", "app.py": """
        import functools, os, sys
        import lib
        def threads():
            with open("/proc/self/status") as status:
                return [line.split()[1] for line in status if line.startswith("Threads")]
        ran = []
        def hook():
            for _ in range(100):
                ran.append(sorted(range(3)))
        os.register_at_fork(after_in_parent=hook)
        for fork in os.fork, functools.partial(os.fork), lambda: [*map(lambda call: call(), [os.fork])][0]:
            pid = fork()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)
            print(threads(), len(ran), flush=True)
        for line in sys.stdin:
            print(lib.answer(), flush=True)
        """})
    with Program([*RUN, "app.py"], tmp_path, PYTHONWARNINGS="always") as program:
        assert [program.line() for _ in range(3)] == ["['2'] 100", "['2'] 200", "['2'] 300"]
        save(tmp_path / "lib.py", "def answer():\n    return '2'\n")
        wait_for(lambda: ask(program) == "2")
        _, _, err = program.end()
    assert "multi-threaded" not in err


def test_json_says_whose_event_it_is(project):
    with Program([*RUN, "--json", "app.py"], project) as program:
        program.lines_until("ready")
        save(project / "lib.py", "def answer():\n    return '2'\n")
        wait_for(lambda: ask(program) == "2 2 2")
        wait_for(lambda: program.errors().count("\n") == 4)
        events = [json.loads(line) for line in program.errors().splitlines()]
    assert len({event["process"] for event in events if event["event"] == "update"}) == 3
    assert events[0]["process"] == program.process.pid
