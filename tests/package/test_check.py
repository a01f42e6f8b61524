"""`midflight check`: what an edit would need, and the exit codes."""

import json
import os
import subprocess

import pytest
from helpers import MIDFLIGHT, environment, finish, write

OLD = """
    import os
    TAX = 0.19
    class Shop:
        __slots__ = ("a",)
        def total(self): return 1
        @property
        def name(self): return "n"
    def gone(): pass
    def main(): pass
    if __name__ == "__main__":
        main()
    """


def check(tmp_path, old, new, *options):
    write(tmp_path, {"old.py": old, "new.py": new})
    return finish([*MIDFLIGHT, "check", *options, "old.py", "new.py"], tmp_path)


@pytest.mark.parametrize("find, put, told, code", [
    ("return 1", "return 2", "~Shop.total  code exchanged, nothing runs", 0),
    ("total(self)", "total(self, x=1)", "~Shop.total  its def line differs", 0),
    ("@property", "@staticmethod", "~Shop.name  its def line differs", 0),
    ("class Shop:", "class Shop(dict):", "~Shop  its class line differs", 0),
    ('("a",)', '("a", "b")', "~Shop.__slots__  the layout differs", 0),
    ("0.19", "0.21", "~TAX  0.19 -> 0.21", 0),
    ("def gone(): pass", "", "-gone  goes", 0),
    ("def gone(): pass", "def gone(): pass\n    def more(): pass", "+more  a new function", 0),
    ("import os", "import sys", "+import sys  runs", 0),
    ("TAX =", "# why\n    TAX =", "comments or positions only", 0),
    ("    main()", "    main(1)", "never runs again: takes effect at the next start", 4),
    ("def gone(): pass", "def gone(: pass", "SyntaxError", 3),
    ("def gone(): pass", "return", "SyntaxError: 'return' outside function", 3),
])
def test_an_edit(tmp_path, find, put, told, code):
    assert find in OLD
    got = check(tmp_path, OLD, OLD.replace(find, put))
    assert told in got[1] and got[0] == code, got
    data = json.loads(check(tmp_path, OLD, OLD.replace(find, put), "--json")[1])
    assert data["outcome"] == {0: "live", 3: "rejected", 4: "restart"}[code]


def test_no_edit(tmp_path):
    assert check(tmp_path, OLD, OLD) == (0, "nothing differs\n", "")


def test_folders(tmp_path):
    write(tmp_path, {"a/m.py": "def f(): return 1\n", "a/gone.py": "", "a/pkg/__init__.py": "", "a/pkg/x.py": "from . import y\n",
                     "a/pkg/y.py": "", "b/m.py": "def f(): return 2\n", "b/new.py": "", "b/pkg/__init__.py": "",
                     "b/pkg/x.py": "from . import y\n"})
    code, out, _ = finish([*MIDFLIGHT, "check", "a", "b"], tmp_path)
    assert code == 3 and "still imports pkg.y, which is gone" in out
    assert "~f  code exchanged" in out and "new.py" in out and "gone.py" in out


def test_wrong_calls(tmp_path):
    write(tmp_path, {"old.py": "", "folder/x.py": ""})
    assert finish([*MIDFLIGHT, "check", "old.py", "nowhere.py"], tmp_path)[0] == 2
    assert finish([*MIDFLIGHT, "check", "old.py", "folder"], tmp_path)[0] == 2
    assert finish([*MIDFLIGHT, "check", "old.py"], tmp_path)[0] == 2


def test_a_reader_that_has_seen_enough(tmp_path):
    """The pipe's other end is closed before anything is written: no traceback."""
    write(tmp_path, {"old.py": OLD, "new.py": OLD})
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as out:
        done = subprocess.run([*MIDFLIGHT, "check", "old.py", "new.py"], cwd=tmp_path, stdout=out,
                              stderr=subprocess.PIPE, timeout=60, env=environment())
    assert (done.returncode, done.stderr) == (141, b"")


def test_an_option_that_run_does_not_know(tmp_path):
    code, _, told = finish([*MIDFLIGHT, "run", "--frob", "app.py"], tmp_path)
    assert code == 2 and "midflight run: no such option: --frob" in told
