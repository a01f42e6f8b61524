"""What the compiler warns of: once for the text that is edited, at its lines, as a start on it would say."""

import sys

import pytest
from helpers import finish, write

TEXT = """
    x = {0} is not {1}


    def answer():
        return {0} if 1 is not {1} else 0


    class C:
        a = {0} is {1}

        def m(self):
            return {0} is {1}


    def same():
        return 1 is not 2
    """
SCRIPT = """
    import warnings
    import lib, midflight
    midflight.start(roots=["."])
    seen, filters = [], warnings.filters
    warnings.showwarning = lambda message, category, filename, lineno, *_: seen.append(lineno)
    for number in (3, 4):
        with open("lib.py", "w", encoding="utf-8") as stream:
            stream.write(TEXT.format(number, 2))
        dry = midflight.plan()
        assert dry.plan and not dry.reasons and not seen, (dry, seen)
        report = midflight.update()
        print(report.outcome, sorted(r.line for r in report.reasons), seen, filters is warnings.filters)
        seen.clear()
    midflight.undo()
    """


def run(folder, *options):
    import textwrap
    text = textwrap.dedent(TEXT).lstrip()
    write(folder, {"pyproject.toml": "", "lib.py": text.replace(" is not", " <").replace(" is", " >").format(1, 2)})
    return finish([sys.executable, *options, "-c", f"TEXT = {text!r}\n" + textwrap.dedent(SCRIPT)], folder)


@pytest.mark.parametrize("options", [(), ("-W", "always")])
def test_each_is_heard_once(tmp_path, options):
    """Also the second time, when the text before warns as well; a plan says nothing."""
    code, out, err = run(tmp_path, *options)
    first = "committed [] [1, 5, 9, 12, 16] True"
    assert (code, out.splitlines()) == (0, [first, first.replace(", 16", "")]), err


def test_those_that_are_errors_reject(tmp_path):
    code, out, err = run(tmp_path, "-W", "error::SyntaxWarning")
    assert code == 0, err
    assert all(line.startswith("rejected [1, 5, 9") and line.endswith("[] True") for line in out.splitlines()), out


def test_those_that_are_not_heard(tmp_path):
    code, out, err = run(tmp_path, "-W", "ignore")
    assert (code, out) == (0, "committed [] [] True\n" * 2), err
