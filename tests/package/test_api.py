"""The calls of the package, each in a process of its own: what they take, what they give, what they never raise."""

import os
import re
import subprocess
import sys
import textwrap

import midflight
import pytest
from helpers import environment, write

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))

PRELUDE = """
import os, pathlib, sys
import midflight
midflight.start(roots=[os.getcwd()], exclude=["script.py"])        # its statements shall not run again
import lib
def save(text, path="lib.py"):
    with open(path + ".part", "w") as file:
        file.write(text)
    os.replace(path + ".part", path)
ONE = "def answer():\\n    return 1\\n"
TWO = ONE.replace("1", "2")
BAD = "def answer(:\\n"
"""


@pytest.fixture
def program(tmp_path):
    """Run a script beside lib.py, which answers 1; its asserts are the test's."""

    def run(script, env=(), **files):
        write(tmp_path, {"lib.py": "def answer():\n    return 1\n",
                         "user.py": "from lib import answer\ndef ask():\n    return answer()\n",
                         "script.py": PRELUDE + textwrap.dedent(script), **files})
        done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60,
                              env=environment(**dict(env)))
        assert done.returncode == 0, done.stderr
        return done

    return run


def test_one_version_everywhere():
    for name in ("pyproject.toml", "meson.build"):
        with open(os.path.join(TREE, name)) as file:
            assert re.search(r"\bversion\s*[:=]\s*[\"']([^\"']+)", file.read())[1] == midflight.__version__


def test_every_module_is_installed():
    with open(os.path.join(TREE, "meson.build")) as file:
        listed = set(re.findall(r"'src/(midflight/[^']+\.pyi?)'", file.read()))
    there = {os.path.relpath(os.path.join(place, name), os.path.join(TREE, "src"))
             for place, _, names in os.walk(os.path.join(TREE, "src", "midflight")) for name in names
             if name.endswith((".py", ".pyi"))}
    assert listed == there


def test_the_header_is_found():
    assert os.path.basename(midflight.get_include()) == "include"
    in_the_tree = os.path.exists(os.path.join(TREE, "include", "midflight.h"))
    assert os.path.exists(os.path.join(midflight.get_include(), "midflight.h")) == in_the_tree


def test_public_names():
    assert all(hasattr(midflight, name) for name in midflight.__all__)
    assert {"start", "update", "plan", "undo", "watch", "track", "hold", "poll", "status", "history", "on", "reload",
            "Report", "Reason", "Entry", "Veto", "UpdateRejected", "EngineError", "get_include"} <= set(midflight.__all__)


def test_importing_is_light(tmp_path):
    heavy = ("json", "logging", "argparse", "tomllib", "importlib.metadata", "difflib", "ast", "midflight.cli")
    script = ("import sys; before = set(sys.modules); import midflight; midflight.start(); "
              f"print([name for name in {heavy!r} if name in set(sys.modules) - before])")
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, env=environment())
    assert done.stdout == "[]\n", done


def test_update(program):
    program("""
        report = midflight.update()
        assert report.outcome == "skipped" and lib.answer() == 1, report
        for number, paths in enumerate((None, "lib.py", [pathlib.Path("lib.py")], (b"lib.py",), ["./lib.py", "user.py"]), 2):
            save(ONE.replace("1", str(number)))
            report = midflight.update(paths)
            assert report.outcome == "committed" and lib.answer() == number, report
            assert report.files == (os.path.abspath("lib.py"),) and report.number == report.running, report
            assert [entry.op + entry.name for entry in report.changed] == ["~answer"], report
            assert report.changed[0].code.startswith("MF1") and report.changed[0].module == "lib", report
        assert len(midflight.history()) >= 5 and midflight.history()[-1].number == report.number
        assert midflight.status()["number"] == report.number
        """)


def test_a_rejected_update_is_no_exception(program):
    program("""
        save(BAD)
        report = midflight.update()
        assert report.outcome == "rejected" and lib.answer() == 1, report
        assert report.reasons[0].text.startswith("SyntaxError: ") and report.reasons[0].line == 1, report
        assert report.reasons[0].file == os.path.abspath("lib.py") and report.reasons[0].code.startswith("MF4"), report
        save(TWO)
        assert midflight.update().outcome == "committed" and lib.answer() == 2
        """)


def test_sources(program):
    program("""
        for source, number in ((TWO, 2), (ONE.replace("1", "3").encode(), 3)):
            report = midflight.update(sources={"lib": source})
            assert report.outcome == "committed" and lib.answer() == number, report
        code = compile(ONE.replace("1", "4"), lib.__file__, "exec")
        report = midflight.update(sources={"lib": code})
        assert report.outcome == "committed" and lib.answer() == 4, report
        """)


def test_sources_as_code(program):
    program('''
        TEXT = "import os\\n\\ndef answer():\\n    return 1\\n\\nclass A:\\n    limit = 3\\n    def method(self):\\n        return [1 for _ in 'ab']\\n"
        save(TEXT)
        assert midflight.update().outcome == "committed"
        a, answer = lib.A(), lib.answer
        def given(text, name="elsewhere.py"):
            return midflight.update(sources={"lib": compile(text, name, "exec")})
        # bodies, on other lines, in another file
        report = given(TEXT.replace("return 1", "x = 4\\n    return x").replace("[1 for", "[2 for"))
        assert report.outcome == "committed" and answer() == 4 and a.method() == [2, 2], report
        assert [entry.name for entry in report.changed] == ["answer", "A"], report
        assert answer.__code__.co_filename == lib.__file__ and lib.A.method.__code__.co_firstlineno == 9, lib.A.method.__code__
        # code after code, then nothing new
        assert given(TEXT.replace("return 1", "return 5")).outcome == "committed" and answer() == 5 and a.method() == [1, 1]
        # statements
        for other in (TEXT.replace("limit = 3", "limit = 4"), TEXT + "answer = None\\n", TEXT.replace("import os", "import sys")):
            report = given(other)
            assert [reason.code for reason in report.reasons] == ["MF407"] and answer() == 5 and lib.A.limit == 3, report
        assert midflight.undo().outcome == "committed" and answer() == 4 and a.method() == [2, 2]
        assert midflight.undo().outcome == "committed" and answer() == 1 and a.method() == [1, 1]
        # text after code: against what runs
        assert given(TEXT.replace("return 1", "return 6")).outcome == "committed" and answer() == 6
        save(TEXT.replace("limit = 3", "limit = 7"))
        report = midflight.update()
        assert report.outcome == "committed" and answer() == 1 and lib.A.limit == a.limit == 7, report
        assert lib.answer is answer and type(a) is lib.A
        ''')


def test_plan_and_dry_run_change_nothing(program):
    program("""
        save(TWO)
        plan = midflight.plan()
        assert lib.answer() == 1 and plan.plan and any("answer" in step for step in plan.plan), plan.to_json()
        report = midflight.update(dry_run=True)
        assert report.dry_run and lib.answer() == 1, report
        assert midflight.update().outcome == "committed" and lib.answer() == 2
        """)


def test_undo(program):
    program("""
        save(TWO)
        first = midflight.update()
        save(ONE.replace("1", "3"))
        midflight.update()
        assert midflight.undo().outcome == "committed" and lib.answer() == 2
        """)


def test_undo_to_a_number(program):
    program("""
        numbers = []
        for answer in (2, 3, 4):
            save(ONE.replace("1", str(answer)))
            numbers.append(midflight.update().number)
        report = midflight.undo(to=numbers[0])
        assert report.outcome == "committed" and lib.answer() == 1, (report, lib.answer())
        """)


def test_hold(program):
    program("""
        save(TWO)
        with midflight.hold():
            with midflight.hold():
                assert midflight.update().outcome == "skipped" and lib.answer() == 1
            assert lib.answer() == 1
        if lib.answer() == 1:                # what was asked for goes in now, or with the next update
            midflight.update()
        assert lib.answer() == 2
        """)


def test_poll(program):
    program("""
        assert midflight.poll() is None and midflight.poll(budget_ms=1) is None
        midflight.start(safepoint="poll")
        """)


def test_listeners_hear_of_updates(program):
    program("""
        heard = []
        midflight.on("update", lambda report: heard.append(report.outcome))
        midflight.on("committed", lambda report: heard.append(report.number))
        save(TWO)
        number = midflight.update().number
        save(BAD)
        midflight.update()
        assert heard == [number, "committed", "rejected"], heard
        """)


def test_track(program):
    program("""
        seen = []
        midflight.track("rates.txt", seen.append)
        save("2", "rates.txt")
        midflight.update(["rates.txt"])
        assert seen == [os.path.abspath("rates.txt")], seen
        """, **{"rates.txt": "1"})


def test_starting_late(program):
    program("""
        midflight.start()
        midflight.start(settle_ms=3)
        import user
        save(TWO)
        assert midflight.update().outcome == "committed" and user.ask() == 2
        """)


def test_wrong_calls(program):
    program("""
        for call, kind in ((lambda: midflight.update(3), TypeError), (lambda: midflight.update([3]), TypeError),
                           (lambda: midflight.update(sources={"lib": 3}), TypeError),
                           (lambda: midflight.update(sources={3: ""}), TypeError),
                           (lambda: midflight.undo("1"), TypeError), (lambda: midflight.track("x", 3), TypeError),
                           (lambda: midflight.start(settle_ms="x"), midflight.ConfigurationError),
                           (lambda: midflight.start(nothing=1), ValueError)):
            try:
                call()
            except kind:
                continue
            raise AssertionError(call.__code__.co_firstlineno)
        save(TWO)
        assert midflight.update().outcome == "committed"       # and nothing is broken by them
        """)


def test_reload(program):
    program("""
        import user
        from lib import answer
        save(TWO)
        assert midflight.reload(lib) is lib
        assert answer() == 2 and user.ask() == 2               # importlib's would leave both at 1
        assert midflight.reload(lib) is lib
        """)


def test_reload_raises_what_the_source_raises(program):
    program("""
        save("x = 1\\ndef answer(:\\n")
        try:
            midflight.reload(lib)
        except SyntaxError as error:
            assert (error.filename, error.lineno, error.text) == (lib.__file__, 2, "def answer(:\\n"), vars(error)
        else:
            raise AssertionError
        assert lib.answer() == 1 and not hasattr(lib, "x")
        for line, kind in (("nowhere", NameError), ("1 / 0", ZeroDivisionError), ("import nowhere_at_all", ImportError)):
            save(TWO + line + "\\n")
            try:
                midflight.reload(lib)
            except kind as error:
                assert str(error)
            else:
                raise AssertionError(line)
            assert lib.answer() == 1
        save(TWO)
        assert midflight.reload(lib).answer() == 2
        """)


def test_reload_refuses_as_importlib_does(program):
    program("""
        import importlib, types
        os.remove("lib.py")
        for call in (midflight.reload, importlib.reload):
            for wrong, kind in ((3, TypeError), ("lib", TypeError), (types.ModuleType("other"), ImportError),
                                (lib, ModuleNotFoundError)):
                try:
                    call(wrong)
                except kind as error:
                    assert type(error) is kind, error
                else:
                    raise AssertionError(wrong)
        """)


def test_reload_of_what_has_no_source(program):
    program("""
        import math, zlib
        assert midflight.reload(math) is math and midflight.reload(sys) is sys
        """)


def test_switched_off(program):
    program("""
        save(TWO)
        assert midflight.update().outcome in ("rejected", "skipped") and lib.answer() == 1
        midflight.watch()
        assert midflight.status()["disabled"]
        os.utime("lib.py", (1, 1))
        assert midflight.reload(lib).answer() == 2             # importlib's, then
        """, env={"MIDFLIGHT_DISABLE": "1"})


def test_veto_is_an_exception_of_ours():
    assert issubclass(midflight.Veto, midflight.MidflightError) and issubclass(midflight.EngineError, RuntimeError)
    assert issubclass(midflight.ConfigurationError, ValueError)
    report = midflight.Report({"number": 3, "outcome": "rejected", "reasons": [{"code": "MF401", "text": "no"}]})
    assert str(midflight.UpdateRejected(report)) == "no"
