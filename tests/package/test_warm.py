"""Saves that take their time: what the engine does between the first write and the close is seen by nobody."""

import json

import pytest
from helpers import RUN, Program, save, wait_for, write

LOOP = """
    import sys, warnings
    import lib, midflight
    filters = warnings.filters
    print("ready", flush=True)
    for line in sys.stdin:
        print(lib.answer(), filters is warnings.filters, len(midflight.history()), flush=True)
    """
# The compiler warns of the comparison, on every version and in every module.
WARNS = "def answer():\n    return %d if 1 is not 2 else 0\n"
SETTINGS = "[tool.midflight]\nsettle_ms = 20000\n"


def ask(program):
    program.process.stdin.write("\n")
    program.process.stdin.flush()
    return program.line()


def planned(program):
    return program.errors().count(": planning")


def test_a_plan_is_made_before_the_close_and_says_nothing(tmp_path):
    write(tmp_path, {"pyproject.toml": SETTINGS, "app.py": LOOP, "lib.py": "def answer():\n    return 1\n"})
    with Program([*RUN, "--json", "app.py"], tmp_path, MIDFLIGHT_TRACE="1") as program:
        program.lines_until("ready")
        save(tmp_path / "lib.py", "def answer():\n    return 2\n")
        wait_for(lambda: ask(program) == "2 True 1")
        for number in (3, 4):
            wait_for(lambda: len(events(program)) == number - 2)
            before = planned(program)
            with open(tmp_path / "lib.py", "w", encoding="utf-8") as stream:
                stream.write(WARNS % number)
                stream.flush()
                wait_for(lambda: planned(program) > before)
                assert ask(program) == f"{number - 1} True {number - 2}"
                said, warned = len(events(program)), program.errors().count("SyntaxWarning")
                assert (said, warned) == (number - 2, number - 3), program.errors()
            wait_for(lambda: ask(program) == f"{number} True {number - 1}")
            wait_for(lambda: program.errors().count("SyntaxWarning") == number - 2)
        code, _, errors = program.end()
    assert code == 0 and errors.count("SyntaxWarning") == 2, errors


def test_half_a_text_is_no_failure(tmp_path):
    """What is written first does not compile; nothing is said of it, and the whole is live in the end."""
    write(tmp_path, {"pyproject.toml": SETTINGS, "app.py": LOOP, "lib.py": "def answer():\n    return 1\n"})
    with Program([*RUN, "--json", "app.py"], tmp_path, MIDFLIGHT_TRACE="1") as program:
        program.lines_until("ready")
        save(tmp_path / "lib.py", "def answer():\n    return 2\n")
        wait_for(lambda: ask(program) == "2 True 1")
        wait_for(lambda: len(events(program)) == 1)
        before = planned(program)
        with open(tmp_path / "lib.py", "w", encoding="utf-8") as stream:
            stream.write("def answer(")
            stream.flush()
            wait_for(lambda: planned(program) > before)
            assert ask(program) == "2 True 1"
            stream.write("):\n    return 3\n")
        wait_for(lambda: ask(program) == "3 True 2")
        code, _, errors = program.end()
    assert code == 0 and "SyntaxError" not in errors, errors


def events(program):
    """The updates that were told of."""
    lines = [line for line in program.errors().splitlines() if line.startswith("{")]
    return [line for line in map(json.loads, lines) if line.get("outcome") == "committed"]


AUDITED = """
    import sys, threading
    import lib, midflight
    lock, seen, last = threading.Lock(), [], 1

    def hook(event, args):
        if event == "compile":
            with lock:
                seen.append((str(args[0]), threading.current_thread() is threading.main_thread()))

    sys.addaudithook(hook)
    print("ready", flush=True)
    if "reads" in sys.argv:
        for line in sys.stdin:
            print(lib.answer(), True, len(midflight.history()), flush=True)
    while "reads" not in sys.argv and last != 5:
        with lock:
            for i in range(10000):
                pass
        if lib.answer() != last:
            last = lib.answer()
            print(last, flush=True)
    print([one for one in seen if one[1] or "half" in one[0]], len(seen) > 0, flush=True)
    """


def test_audit_hooks_are_called_for_an_update_alone(tmp_path):
    """Not for a plan that nobody asked for, and not in the middle of the main thread's code, which may hold the lock that
    the hook wants."""
    write(tmp_path, {"pyproject.toml": SETTINGS, "app.py": AUDITED, "lib.py": "def answer():\n    return 1\n"})
    with Program([*RUN, "app.py"], tmp_path) as program:
        program.lines_until("ready")
        for number in range(2, 6):
            save(tmp_path / "lib.py", f"def answer():\n    return {number}\n")
            assert program.line() == str(number)
        assert program.line() == "[] True"
        assert program.end()[0] == 0
    with Program([*RUN, "app.py", "reads"], tmp_path) as program:
        program.lines_until("ready")
        save(tmp_path / "lib.py", "def answer():\n    return 6\n")
        wait_for(lambda: ask(program) == "6 True 1")
        with open(tmp_path / "lib.py", "w", encoding="utf-8") as stream:
            stream.write("def answer():\n    return 'half'\n")
            stream.flush()
            assert {ask(program) for _ in range(100)} == {"6 True 1"}
            stream.seek(0)
            stream.truncate()
            stream.write("def answer():\n    return 7\n")
        wait_for(lambda: ask(program) == "7 True 2")
        assert program.end()[:2] == (0, "[] True\n")


# Plans that an update on the way would decline or reject: half a text, a statement that runs, a name that leaves.
PARTS = ("def answer(", "):\n    return 3\n"), ("x = 1\n", "def answer():\n    return 4\n"), ("y = 1\n", WARNS % 5)


def test_numbers_of_updates_go_on(tmp_path):
    """Whatever a plan finds that nobody asked for, the updates around it have their numbers one after the other."""
    numbers = "len(midflight.history())", "[r.number for r in midflight.history()]"
    write(tmp_path, {"pyproject.toml": SETTINGS, "app.py": LOOP.replace(*numbers), "lib.py": "def answer():\n    return 1\n"})
    with Program([*RUN, "app.py"], tmp_path, MIDFLIGHT_TRACE="1") as program:
        program.lines_until("ready")
        save(tmp_path / "lib.py", "def answer():\n    return 2\n")
        wait_for(lambda: ask(program) == "2 True [1]")
        for number, (first, rest) in enumerate(PARTS, 3):
            before = planned(program)
            with open(tmp_path / "lib.py", "w", encoding="utf-8") as stream:
                stream.write(first)
                stream.flush()
                wait_for(lambda: planned(program) > before)
                stream.write(rest)
            wait_for(lambda: ask(program) == f"{number} True {list(range(1, number))}")
        code, _, errors = program.end()
    assert code == 0, errors


@pytest.mark.parametrize("end", ["return 60\n", "return 100\n", "def f100("])
def test_half_of_a_long_text_is_not_planned(tmp_path, end):
    """All that is not there yet would leave, one statement after the other, while the program waits for the GIL."""
    text = "".join(f"def f{i}():\n    return {i}\n\n\n" for i in range(200)) + "def answer():\n    return %d\n"
    half = text.index(end) + len(end)
    write(tmp_path, {"pyproject.toml": SETTINGS, "app.py": LOOP, "lib.py": text % 1})
    with Program([*RUN, "app.py"], tmp_path, MIDFLIGHT_TRACE="1") as program:
        program.lines_until("ready")
        save(tmp_path / "lib.py", text % 2)
        wait_for(lambda: ask(program) == "2 True 1")
        with open(tmp_path / "lib.py", "w", encoding="utf-8") as stream:
            stream.write(text[:half])
            stream.flush()
            program.said("not planned ahead")
            stream.write((text % 3)[half:])
        wait_for(lambda: ask(program) == "3 True 2")
        assert program.end()[0] == 0
