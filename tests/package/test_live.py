"""`midflight run` with edits: what the program does, what is printed."""

import json
import os
import subprocess

import pytest
from helpers import RUN, Program, environment, ours, save, wait_for, write

LOOP = """
    import sys, time
    import lib
    print("ready", flush=True)
    for line in sys.stdin:
        print(lib.answer(), flush=True)
    """


def ask(program):
    program.process.stdin.write("\n")
    program.process.stdin.flush()
    return program.line()


@pytest.fixture
def project(tmp_path):
    return write(tmp_path, {"pyproject.toml": "", "app.py": LOOP, "lib.py": "def answer():\n    return 1\n"})


def edit(project, program, text, wanted):
    """Save, wait until it is live, and until it has been said."""
    before = len(program.errors())
    save(project / "lib.py", text)
    wait_for(lambda: ask(program) == wanted)
    wait_for(lambda: "-q" in program.process.args or len(program.errors()) > before)


def break_it(project, program):
    save(project / "lib.py", "def answer(:\n")
    program.said("rejected" if "--json" in program.process.args else "REJECTED")


def test_a_save_is_live(project):
    with Program([*RUN, "app.py"], project) as program:
        program.lines_until("ready")
        assert ask(program) == "1"
        edit(project, program, "def answer():\n    return 2\n", "2")
        break_it(project, program)
        edit(project, program, "def answer():\n    return 3\n", "3")
        code, _, err = program.end()
    assert code == 0
    lines = ours(err)
    assert lines[0] == "midflight  watching . (inotify)"
    assert lines[1].startswith("midflight  #1   lib.py  ~answer  ") and " ms (stopped " in lines[1]
    assert lines[2].startswith("midflight  #2   REJECTED lib.py:1  SyntaxError: ")
    assert lines[2].endswith("still running #1") and lines[3].startswith("midflight  #3   lib.py  ~answer  ")
    assert "\x1b" not in err and len(lines) == 4


def test_main_itself(tmp_path):
    write(tmp_path, {"app.py": """
        import sys
        def answer():
            return 1
        print("ready", flush=True)
        for line in sys.stdin:
            print(answer(), flush=True)
        """})
    with Program([*RUN, "app.py"], tmp_path) as program:
        program.lines_until("ready")
        assert ask(program) == "1"
        text = (tmp_path / "app.py").read_text()
        save(tmp_path / "app.py", text.replace("return 1", "return 2"))
        wait_for(lambda: ask(program) == "2")


def test_a_module_run_with_m(tmp_path):
    write(tmp_path, {"pkg/__init__.py": "", "pkg/lib.py": "def answer():\n    return 1\n",
                     "pkg/__main__.py": LOOP.replace("import lib", "from . import lib")})
    with Program([*RUN, "-m", "pkg"], tmp_path) as program:
        program.lines_until("ready")
        save(tmp_path / "pkg/lib.py", "def answer():\n    return 2\n")
        wait_for(lambda: ask(program) == "2")


def test_json_is_one_object_per_event(project):
    with Program([*RUN, "--json", "app.py"], project) as program:
        program.lines_until("ready")
        edit(project, program, "def answer():\n    return 2\n", "2")
        _, _, err = program.end()
    events = [json.loads(line) for line in err.splitlines()]
    assert [event["event"] for event in events] == ["started", "update"]
    assert events[0]["watching"] == "inotify" and events[0]["roots"] == [str(project)]
    assert events[1]["outcome"] == "committed" and events[1]["files"] == [str(project / "lib.py")]


def test_verbose_has_the_diff(project):
    with Program([*RUN, "-v", "app.py"], project) as program:
        program.lines_until("ready")
        edit(project, program, "def answer():\n    return 2\n", "2")
        _, _, err = program.end()
    assert "           @ answer, line 2\n             def answer():\n           -     return 1\n           +     return 2\n" in err


def test_quiet_says_only_what_is_wrong(project):
    with Program([*RUN, "-q", "app.py"], project) as program:
        program.lines_until("ready")
        edit(project, program, "def answer():\n    return 2\n", "2")
        break_it(project, program)
        edit(project, program, "def answer():\n    return 3\n", "3")
        _, _, err = program.end()
    assert len(ours(err)) == 1 and "REJECTED" in ours(err)[0]


def test_no_watch(project):
    write(project, {"app.py": LOOP.replace("import lib", "import lib, midflight").replace(
        "print(lib.answer()", "line.strip() and midflight.update(); print(lib.answer()")})
    with Program([*RUN, "--no-watch", "app.py"], project) as program:
        program.lines_until("ready")
        save(project / "lib.py", "def answer():\n    return 2\n")
        assert ask(program) == "1"
        program.process.stdin.write("now\n")
        program.process.stdin.flush()
        assert program.line() == "2"
        _, _, err = program.end()
    assert ours(err)[0] == "midflight  not watching: updates only when asked for"


def test_nobody_reads_our_lines(project):
    """A closed pipe at standard error is our problem, not the program's."""
    reader, writer = os.pipe()
    os.close(reader)
    program = subprocess.Popen([*RUN, "app.py"], cwd=project, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=writer,
                               text=True, bufsize=1, env=environment())
    os.close(writer)
    try:
        assert program.stdout.readline() == "ready\n"
        save(project / "lib.py", "def answer():\n    return 2\n")

        def answer():
            program.stdin.write("\n")
            program.stdin.flush()
            return program.stdout.readline()

        wait_for(lambda: answer() == "2\n")
        program.stdin.close()
        assert program.wait(20) == 0
    finally:
        program.kill()
        program.wait()
        program.stdout.close()


def test_lines_do_not_end_in_redirected_stderr(project):
    write(project, {"app.py": """
        import contextlib, io, sys
        import lib
        caught = io.StringIO()
        with contextlib.redirect_stderr(caught):
            print("ready", flush=True)
            for line in sys.stdin:
                print(lib.answer(), flush=True)
        print("caught", repr(caught.getvalue()))
        """})
    with Program([*RUN, "app.py"], project) as program:
        program.lines_until("ready")
        edit(project, program, "def answer():\n    return 2\n", "2")
        _, out, err = program.end()
    assert out == "caught ''\n" and "~answer" in err


def test_the_engine_listens_under_the_poll_option(project):
    with Program([*RUN, "--poll", "app.py"], project) as program:
        program.lines_until("ready")
        edit(project, program, "def answer():\n    return 2\n", "2")
        _, _, err = program.end()
    assert ours(err)[0] == "midflight  watching . (polling)"


SAFEPOINT = """
    import sys, threading
    import lib, midflight
    def say(text):  # in one piece: two threads write
        sys.stdout.write(str(text) + "\\n")
        sys.stdout.flush()
    midflight.on("committed", lambda report: say("live %s" % (threading.current_thread() is threading.main_thread())))
    say("ready")
    for line in sys.stdin:
        if line == "poll\\n":
            say(getattr(midflight.poll(), "outcome", None))
        say(lib.answer())
    """


@pytest.mark.parametrize("safepoint", ["poll", "main-thread", "any"])
def test_the_program_chooses_where_a_save_takes_effect(tmp_path, safepoint):
    write(tmp_path, {"pyproject.toml": "", "app.py": SAFEPOINT, "lib.py": "def answer():\n    return 1\n"})
    with Program([*RUN, "app.py"], tmp_path, MIDFLIGHT_SAFEPOINT=safepoint) as program:
        program.lines_until("ready")
        save(tmp_path / "lib.py", "def answer():\n    return 2\n")
        told, answers = [], []
        while not told or answers[-1:] != ["2"]:
            program.process.stdin.write("poll\n" if safepoint == "poll" else "\n")
            program.process.stdin.flush()
            lines = [program.line()]
            while lines[-1] not in ("1", "2"):
                lines.append(program.line())
            answers.append(lines[-1])
            told += lines[:-1]
            assert len(answers) < 100_000 and program.process.poll() is None
        if safepoint == "poll":
            assert set(told[:-2]) <= {"None"} and told[-2:] == ["live True", "committed"]
        else:
            assert told == ["live " + str(safepoint == "main-thread")]
