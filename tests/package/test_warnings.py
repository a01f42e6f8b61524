"""What the compiler warns of: once for the text that is edited, at its lines, as a start on it would say."""

import sys
import textwrap

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


OTHERS = """
    import sys, threading, warnings
    import lib, midflight
    midflight.start(roots=["."])
    heard, opened, filters = [], [], warnings.filters
    warnings.simplefilter("always")
    before = list(filters)
    warnings.showwarning = lambda message, *_: heard.append(str(message))

    def elsewhere(number):
        with warnings.catch_warnings():
            warnings.warn(f"theirs {number}", DeprecationWarning)
        warnings.warn(f"again {number}", SyntaxWarning)
        warnings.simplefilter("error", RuntimeWarning)

    def hook(event, args):
        if event == "open" and str(args[0]).endswith("lib.py") and threading.current_thread() is main:
            opened.append(len(opened))
            warnings.warn(f"mine {opened[-1]}")
            thread = threading.Thread(target=elsewhere, args=opened[-1:])
            thread.start()
            thread.join()

    def save(text):
        with open(os.path.abspath("lib.py") + ".new", "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace("lib.py.new", "lib.py")

    import os
    main = threading.current_thread()
    sys.addaudithook(hook)
    save("x = 1 is 2\\ndef answer():\\n    return 1 is not 2\\n")
    assert midflight.plan().plan and not opened and not heard, (opened, heard)
    save("x = 1 is 2\\ndef answer()\\n    return 1\\n")
    assert midflight.plan().reasons and opened, opened
    wanted = [f"{who} {number}" for number in opened for who in ("mine", "theirs", "again")]
    assert heard == wanted, heard
    added = [item for item in filters if item not in before]
    assert warnings.filters is filters and len(added) == 1 and added[0][2] is RuntimeWarning, filters
    assert [item for item in filters if item not in added] == before, filters
    """


def test_others_who_warn_meanwhile_are_heard(tmp_path):
    """For an error the compiler opens the file, and lets hooks and other threads in: they find their own filters."""
    write(tmp_path, {"pyproject.toml": "", "lib.py": "x = 1\n"})
    code, _, err = finish([sys.executable, "-c", textwrap.dedent(OTHERS)], tmp_path)
    assert code == 0, err


CONTEXT = """
    import builtins, sys, warnings
    import lib, midflight
    midflight.start(roots=["."])
    asked = []
    imported = builtins.__import__
    builtins.__import__ = lambda name, *more: asked.append(name) or imported(name, *more)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with open("lib.py", "w", encoding="utf-8") as stream:
            stream.write("def answer():\\n    return 1 is not 2\\n")
        asked.clear()
        assert midflight.plan().plan and not seen, seen
        assert "warnings" not in asked, asked
        assert midflight.update().outcome == "committed"
        assert [one.lineno for one in seen] == [2], seen
    """


@pytest.mark.parametrize("options", [(), ("-X", "context_aware_warnings=1")])
def test_filters_of_a_context_are_passed_over(tmp_path, options):
    """Those of `with catch_warnings()` are the context's own, where the interpreter has been asked for that."""
    write(tmp_path, {"pyproject.toml": "", "lib.py": "def answer():\n    return 1\n"})
    code, _, err = finish([sys.executable, *options, "-c", textwrap.dedent(CONTEXT)], tmp_path)
    assert code == 0, err


LISTENER = """
    import warnings
    import lib, midflight
    midflight.start(roots=["."])
    seen = []

    def show(message, category, filename, lineno, *_):
        seen.append(lineno)
        lib.data["live"] = 1

    warnings.showwarning = show
    with open("lib.py", "w", encoding="utf-8") as stream:
        stream.write(TEXT)
    report = midflight.update()
    assert report.outcome == "committed" and seen == [LINE], (report, seen)
    assert lib.data == {"live": 1, "edited": 2} and lib.C().answer(5) == 5, lib.data
    """
HUB = """
    MADE = set()


    def once(cls):
        if cls.__name__ in MADE:
            raise TypeError("there is one already")
        MADE.add(cls.__name__)
        return cls
    """
BEFORE = """
    from hub import once
    data = {}


    class C:
        def answer(self):
            return 1
    """


@pytest.mark.parametrize("decorator", ["", "@once\n"])
def test_what_a_listener_changes_is_kept(tmp_path, decorator):
    """It is told before the update compares what the program has with the new version; and once, if that is tried again,
    since the class cannot be made twice and its methods change alone."""
    before = textwrap.dedent(BEFORE).lstrip().replace("class C", decorator + "class C")
    text = before.replace("{}", "{'edited': 2}").replace("self", "self, x=3").replace("1", "x if 1 is not 2 else 0")
    line = text[:text.index("return")].count("\n") + 1
    write(tmp_path, {"pyproject.toml": "", "hub.py": HUB, "lib.py": before})
    script = f"TEXT = {text!r}\nLINE = {line}\n" + textwrap.dedent(LISTENER)
    code, _, err = finish([sys.executable, "-c", script], tmp_path)
    assert code == 0, err
