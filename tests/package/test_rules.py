"""Which files are the program's own."""

import os
import sys

import pytest
from helpers import PYTHON, finish, write
from midflight import rules
from midflight.rules import Rules, default_roots


@pytest.fixture
def tree(tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.startswith("MIDFLIGHT_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return write(tmp_path, {
        "proj/pyproject.toml": "", "proj/app.py": "", "proj/shop/cart.py": "", "proj/tests/test_a.py": "",
        "proj/.venv/pyvenv.cfg": "", "proj/.venv/lib/python3/site-packages/lib.py": "", "proj/.venv/bin/tool": "",
        "proj/env/pyvenv.cfg": "", "proj/env/x.py": "", "proj/vendor/site-packages/v.py": "",
        "elsewhere/site-packages/third.py": "", "elsewhere/own.py": ""})


def test_default_roots(tree, monkeypatch):
    assert default_roots(str(tree / "proj/app.py")) == [str(tree / "proj")]
    assert default_roots(str(tree / "proj/shop/cart.py")) == [str(tree / "proj")]
    assert default_roots(str(tree / "elsewhere/own.py")) == [str(tree / "elsewhere")]
    monkeypatch.chdir(tree / "proj/shop")
    assert default_roots(str(tree / "proj/.venv/bin/tool")) == [str(tree / "proj")]       # a tool's script: where we stand
    assert default_roots(os.__file__) == [str(tree / "proj")]
    monkeypatch.setattr(sys.modules["__main__"], "__file__", None, raising=False)
    assert default_roots() == [str(tree / "proj")]


def test_a_program_in_a_hidden_folder_is_watched(tree):
    write(tree, {"proj/.tools/gen/run.py": ""})
    assert default_roots(str(tree / "proj/.tools/gen/run.py")) == [str(tree / "proj"), str(tree / "proj/.tools/gen")]


def test_the_home_folder_is_no_project(tree, monkeypatch):
    monkeypatch.setenv("HOME", str(tree))
    write(tree, {".git/HEAD": "", "scripts/x.py": ""})
    assert default_roots(str(tree / "scripts/x.py")) == [str(tree / "scripts")]


@pytest.mark.parametrize("path, answer", [
    ("proj/app.py", True), ("proj/shop/cart.py", True), ("proj/new.py", True),
    ("proj/.venv/lib/python3/site-packages/lib.py", False), ("proj/.venv/bin/tool", False), ("proj/env/x.py", False),
    ("proj/vendor/site-packages/v.py", False), ("elsewhere/own.py", False),
])
def test_targets(tree, path, answer):
    assert Rules({"roots": [tree / "proj"]}).is_target(str(tree / path), "m") is answer


def test_odd_names(tree):
    own = Rules({"roots": [tree / "proj"]})
    for name in ("<string>", "", None, os.__file__, rules.__file__):
        assert own.is_target(name) is False
    assert Rules({"roots": ["/"]}).is_target(rules.__file__) is False        # never ourselves
    assert Rules({"roots": ["/"]}).is_target(os.__file__) is False


def test_a_root_inside_an_environment_is_meant(tree):
    inside = Rules({"roots": [tree / "proj/.venv/lib/python3/site-packages"]})
    assert inside.is_target(str(tree / "proj/.venv/lib/python3/site-packages/lib.py"))


def test_links(tree):
    own = Rules({"roots": [tree / "proj"]})
    (tree / "proj/linked").symlink_to(tree / "elsewhere")
    (tree / "alias").symlink_to(tree / "proj")
    assert own.is_target(str(tree / "proj/linked/own.py"))
    assert not own.is_target(str(tree / "proj/linked/site-packages/third.py"))
    assert own.is_target(str(tree / "alias/app.py"))
    (tree / "proj/third.py").symlink_to(tree / "elsewhere/site-packages/third.py")
    assert not own.is_target(str(tree / "proj/third.py"))
    (tree / "elsewhere/site-packages/mine.py").symlink_to(tree / "proj/app.py")       # an editable installation
    assert own.is_target(str(tree / "elsewhere/site-packages/mine.py"))


@pytest.mark.parametrize("settings, module, answer", [
    ({"exclude": ["tests"]}, "tests.test_a", False), ({"exclude": ["tests/*"]}, "x", False),
    ({"exclude": ["*/test_*.py"]}, None, False), ({"exclude": ["tests.*"]}, "tests.test_a", False),
    ({"exclude": ["test"]}, "tests.test_a", True), ({"exclude": ["tests/"]}, None, False),
    ({"include": ["shop"]}, "tests.test_a", False), ({"include": ["tests"]}, "tests.test_a", True),
    ({"include": ["tests"], "exclude": ["tests.test_a"]}, "tests.test_a", False),
    ({"include": ["shop", "t*.py"]}, "anything", True),
])
def test_patterns(tree, settings, module, answer):
    own = Rules({"roots": [tree / "proj"], **settings})
    assert own.is_target(str(tree / "proj/tests/test_a.py"), module) is answer


def test_the_launcher_hears_of_targets(tree, monkeypatch):
    met = []
    monkeypatch.setattr(Rules, "on_target", met.append)
    own = Rules({"roots": [tree / "proj"]})
    own.is_target(str(tree / "proj/app.py"))
    own.is_target(str(tree / "elsewhere/own.py"))
    assert met == [str(tree / "proj/app.py")]


def test_the_engine_asks_once_for_a_folder_but_for_links(tmp_path):
    """A link says where it leads: what holds for the file beside it does not hold for the link."""
    write(tmp_path, {
        "pyproject.toml": "", "own.py": "", "other.py": "", "env/pyvenv.cfg": "", "env/foreign.py": "", "elsewhere/mine.py": "", "sub/deep.py": "",
        "app.py": """
            import midflight
            from midflight.rules import Rules
            asked = []
            plain = Rules.is_target
            Rules.is_target = lambda self, path, module=None: asked.append(path.rpartition("/")[2]) or plain(self, path, module)
            midflight.start(roots=["."])
            del asked[:]
            import own, other, foreign, mine, sub.deep
            print(*asked, "|", *sorted(set(midflight.status()["modules"]) - {"__main__"}))
            """})
    os.symlink(tmp_path / "env" / "foreign.py", tmp_path / "foreign.py")
    os.symlink(tmp_path / "elsewhere" / "mine.py", tmp_path / "mine.py")
    code, out, err = finish([*PYTHON, "app.py"], tmp_path)
    assert code == 0, err
    assert out.split() == ["foreign.py", "mine.py", "deep.py", "|", "mine", "other", "own", "sub.deep"]
