"""A file that is being saved again while what was saved before is read: half of a text, or nothing, is never taken for the new one."""

import os

from helpers import RUN, Program, save, wait_for, write

ASKED = """
    import sys
    import lib, midflight
    print("ready", flush=True)
    for line in sys.stdin:
        report = midflight.poll() if "poll" in line else None
        queued = bool(midflight.status()["queued"])
        print(report and report.outcome, queued, lib.answer() if hasattr(lib, "answer") else None, flush=True)
    """
SETTINGS = "[tool.midflight]\nsafepoint = 'poll'\n"
SETTLES_LATE = SETTINGS + "settle_ms = 20000\n"


def ask(program, what=""):
    program.process.stdin.write(what + "\n")
    program.process.stdin.flush()
    return program.line()


def begun(tmp_path, settings):
    write(tmp_path, {"pyproject.toml": settings, "app.py": ASKED, "lib.py": "def answer():\n    return 1\n"})
    return Program([*RUN, "app.py"], tmp_path)


def test_emptied_before_it_was_read(tmp_path):
    """As the second of two saves does; the first one waits for the program's poll()."""
    with begun(tmp_path, SETTLES_LATE) as program:
        program.lines_until("ready")
        save(tmp_path / "lib.py", "def answer():\n    return 2\n")
        wait_for(lambda: ask(program) == "None True 1")
        with open(tmp_path / "lib.py", "w", encoding="utf-8") as stream:
            assert ask(program, "poll") == "skipped True 1"
            stream.write("def answer():\n    return 3\n")
            stream.flush()
            assert ask(program, "poll") == "skipped True 1"
        wait_for(lambda: ask(program, "poll") == "committed False 3")
        assert program.end()[0] == 0


def test_emptied_and_nobody_has_told_of_it(tmp_path):
    """The file system tells of it when it is done; here it has another name, in a folder that is not watched."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    project = tmp_path / "project"
    project.mkdir()
    with begun(project, SETTINGS) as program:
        program.lines_until("ready")
        save(project / "lib.py", "def answer():\n    return 2\n")
        os.link(project / "lib.py", elsewhere / "lib.py")
        wait_for(lambda: ask(program) == "None True 1")
        with open(elsewhere / "lib.py", "w", encoding="utf-8") as stream:
            assert ask(program, "poll") == "skipped True 1"
            stream.write("def answer():\n    return 3\n")
        wait_for(lambda: ask(program, "poll") == "committed False 3")
        assert program.end()[0] == 0


def test_a_file_that_stays_empty_is_taken(tmp_path):
    with begun(tmp_path, SETTINGS) as program:
        program.lines_until("ready")
        save(tmp_path / "lib.py", "")
        wait_for(lambda: ask(program, "poll") == "committed False None")
        assert program.end()[0] == 0
