"""Where settings come from, and what a wrong one says."""

import os

import pytest
from helpers import write
from midflight import ConfigurationError, settings
from midflight.rules import Rules


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.startswith("MIDFLIGHT_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def project(folder, text):
    return write(folder, {"pyproject.toml": text, "app.py": ""})


def test_defaults(tmp_path):
    rules = Rules(main=str(tmp_path / "app.py"))
    assert rules.config_file is None and rules.settings["safepoint"] == "any" and rules.roots == [str(tmp_path)]
    given = rules.for_engine()
    assert set(given) == {"roots", "is_target", "settle_ms", "compat", "data", "stragglers", "on_after_error",
                          "safepoint", "poll", "disabled", "by_folder"}
    assert given["by_folder"] and not Rules({"include": ["shop"]}, main=str(tmp_path / "app.py")).for_engine()["by_folder"]
    assert isinstance(given["roots"], list) and isinstance(given["compat"], list) and isinstance(given["data"], dict)


def test_later_places_win(tmp_path, monkeypatch):
    project(tmp_path, """
        [tool.midflight]
        stragglers = "wait"
        settle_ms = 7
        safepoint = "poll"
        exclude = ["tests"]
        compat = ["python_reloader"]
        [tool.midflight.data]
        "shop:*" = "keep"
        """)
    monkeypatch.setenv("MIDFLIGHT_SETTLE_MS", "9")
    monkeypatch.setenv("MIDFLIGHT_SAFEPOINT", "main-thread")
    rules = Rules({"safepoint": "any"}, str(tmp_path / "app.py"))
    assert rules.config_file == str(tmp_path / "pyproject.toml")
    assert (rules.settings["stragglers"], rules.settings["settle_ms"], rules.settings["safepoint"]) == ("wait", 9, "any")
    assert rules.settings["data"] == {"shop:*": "keep"} and rules.settings["compat"] == ["python_reloader"]


def test_roots_of_the_file_lie_beside_it(tmp_path, monkeypatch):
    project(tmp_path, '[tool.midflight]\nroots = ["src", "."]\n')
    (tmp_path / "src").mkdir()
    monkeypatch.chdir("/")
    assert Rules(main=str(tmp_path / "app.py")).roots == [str(tmp_path / "src"), str(tmp_path)]


def test_the_environment_speaks_lists(tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("MIDFLIGHT_ROOTS", f"a{os.pathsep}{tmp_path}/b")
    monkeypatch.setenv("MIDFLIGHT_EXCLUDE", "x, y.*")
    monkeypatch.setenv("MIDFLIGHT_DATA", "m:A=keep, m:B*=new")
    monkeypatch.setenv("MIDFLIGHT_POLL", "yes")
    rules = Rules()
    assert rules.roots == [str(tmp_path / "a"), str(tmp_path / "b")]
    assert rules.settings["exclude"] == ["x", "y.*"] and rules.settings["data"] == {"m:A": "keep", "m:B*": "new"}
    assert rules.settings["poll"] is True


@pytest.mark.parametrize("line, told", [
    ('stragglers = "none"', """stragglers = 'none' is not allowed; it must be "move", "finish", "wait" or "reject\""""),
    ("settle_ms = -1", "settle_ms = -1 is not allowed; it must be a whole number from 0 to 60000"),
    ("settle_ms = true", "settle_ms = True is not allowed"),
    ('roots = "src"', "roots = 'src' is not allowed; it must be a list of folders"),
    ('roots = ["nowhere"]', "roots: 'nowhere' is not a folder"),
    ('compat = ["x"]', """compat = ['x'] is not allowed; it must be a list of "python_reloader\""""),
    ('straglers = "move"', 'no setting is called "straglers", did you mean "stragglers"?'),
    ('data = {"m:X" = "drop"}', '"keep"|"new"|"merge"|"once"'),
    ('data = {"X" = "keep"}', 'a table of "module:NAME"'),
    ('safepoint = "main"', '"any", "main-thread" or "poll"'),
    ('on_after_error = 1', '"report" or "undo"'),
    ('x = ', "not valid TOML"),
])
def test_wrong_values_name_place_and_cure(tmp_path, line, told):
    project(tmp_path, f"[tool.midflight]\n{line}\n")
    with pytest.raises(ConfigurationError) as caught:
        Rules(main=str(tmp_path / "app.py"))
    assert str(caught.value).startswith(str(tmp_path / "pyproject.toml")) and told in str(caught.value)


@pytest.mark.parametrize("name, value", [("SETTLE_MS", "soon"), ("STRAGGLERS", "x"), ("POLL", "perhaps"), ("DATA", "X")])
def test_wrong_variables(monkeypatch, name, value):
    monkeypatch.setenv("MIDFLIGHT_" + name, value)
    with pytest.raises(ConfigurationError, match="^MIDFLIGHT_" + name + ": "):
        Rules()


@pytest.mark.parametrize("given", [{"settle_ms": "1"}, {"nothing": 1}, {"roots": ["nowhere"]}])
def test_wrong_arguments(given):
    with pytest.raises(ConfigurationError, match=r"^start\(\): "):
        Rules(given)


def test_switched_off_reads_nothing_else(tmp_path, monkeypatch):
    project(tmp_path, "[tool.midflight]\nx = 1\n")
    monkeypatch.setenv("MIDFLIGHT_DISABLE", "1")
    rules = Rules({"nothing": 1}, str(tmp_path / "app.py"))
    assert rules.settings["disabled"] and rules.roots == [] and not rules.is_target(str(tmp_path / "app.py"))
    monkeypatch.setenv("MIDFLIGHT_DISABLE", "0")
    assert not settings.switched_off()


def test_configuration_is_looked_for_up_to_the_repository(tmp_path):
    project(tmp_path, "[tool.midflight]\nsettle_ms = 1\n")
    write(tmp_path, {"a/pyproject.toml": "[project]\nname = 'a'\n", "a/app.py": "", "b/.git/HEAD": "", "b/app.py": ""})
    rules = Rules(main=str(tmp_path / "a/app.py"))
    assert rules.settings["settle_ms"] == 1 and rules.roots == [str(tmp_path / "a")]
    rules = Rules(main=str(tmp_path / "b/app.py"))
    assert rules.settings["settle_ms"] == 50 and rules.roots == [str(tmp_path / "b")]
