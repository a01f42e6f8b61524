"""A main script whose own code still runs, edited above, in and below the statement in which it stands."""

import pytest
from helpers import RUN, Program, save, wait_for, write

APP = """
    import sys
    WORD = "one"
    def answer():
        return WORD
    print("ready", flush=True)
    for line in sys.stdin:
        if line == "fail\\n": 1 / 0
        print(answer(), flush=True)
    print("end")
    """


@pytest.fixture
def running(tmp_path):
    write(tmp_path, {"pyproject.toml": "", "app.py": APP})
    with Program([*RUN, "app.py"], tmp_path) as program:
        program.lines_until("ready")
        yield Edited(program, tmp_path / "app.py")


class Edited:
    def __init__(self, program, path):
        self.program, self.path, self.number = program, path, 0

    def edit(self, old, new):
        text = self.path.read_text()
        assert old in text
        self.number += 1
        save(self.path, text.replace(old, new))
        self.program.said(f"#{self.number} ")
        wait_for(lambda: self.program.errors().endswith("\n"))
        return self.program.errors().partition(f"#{self.number} ")[2]

    def ask(self, line=""):
        self.program.process.stdin.write(line + "\n")
        self.program.process.stdin.flush()
        return self.program.line()


def test_edits_above_take_effect_after_lines_have_moved(running):
    running.edit("import sys", "import sys\n" + "#\n" * 12)
    running.edit('"one"', '"two"')
    assert running.ask() == "two"
    running.edit("def answer():", "def answer(word='three'):")
    running.edit("return WORD", "return word")
    assert running.ask() == "three"
    running.edit("#\n" * 12, "")
    running.edit('"two"', '"four"')
    running.edit("word='three'", "word=WORD")
    assert running.ask() == "four"


def test_what_is_below_does_not_run_before_its_time(running):
    told = running.edit('print("end")', 'print("other end")\nprint("added")\nclass Added: pass')
    assert "app.py:9  the program has not come to this statement yet: it will run as it was" in told
    assert told.count("the program has not come to this place yet: what was added here runs at the next start") == 2
    assert running.ask() == "one"
    assert running.program.end()[:2] == (0, "end\n")


def test_what_stands_goes_on(running):
    assert running.ask() == "one"  # it has come to the loop
    told = running.edit("print(answer(), flush=True)", "print(answer() * 2, flush=True)")
    assert "app.py:6  the program stands in this statement: it goes on in the old code" in told
    assert running.ask() == "one"


def test_its_traceback_has_the_lines_of_today(running):
    running.edit("WORD =", "A = 1\nB = 2\nWORD =")
    running.edit('print("ready"', '\n\nprint("ready"')
    running.edit("A = 1\n", "")
    running.ask("fail")
    code, _, err = running.program.end()
    assert code == 1
    assert 'app.py", line 10, in <module>\n    if line == "fail\\n": 1 / 0\n                         ~~^~~\n' in err


def test_lines_inside_the_statement(running):
    running.edit("for line in sys.stdin:\n", "for line in sys.stdin:\n    # one\n    # two\n")
    running.ask("fail")
    assert 'app.py", line 9, in <module>\n    if line == "fail\\n": 1 / 0\n' in running.program.end()[2]


def test_the_guard_never_runs_again(tmp_path):
    write(tmp_path, {"pyproject.toml": "", "app.py": """
        import sys
        if __name__ == "__main__":
            print("guard")
        print("ready", flush=True)
        for line in sys.stdin:
            print(line)
        """})
    with Program([*RUN, "app.py"], tmp_path) as program:
        program.lines_until("ready")
        text = Edited(program, tmp_path / "app.py").edit('print("guard")', 'print("other")')
        assert "app.py:2  this never runs again: the edit takes effect at the next start" in text
        assert program.end()[:2] == (0, "")
