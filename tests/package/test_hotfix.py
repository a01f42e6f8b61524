"""Hotfixes as patches and edited modules, and what is none: read, pinned, applied, taken back."""

import functools

import pytest
from hotfixes import run_program
from midflight.hotfix import Hotfix, digest_of, read

PATCH = '''--- a/player.py
+++ b/player.py
@@ -6,3 +6,3 @@
 
     def fire(self, target):
-        return "old fire"
+        return "new fire"
'''


@pytest.fixture
def program(tmp_path):
    return functools.partial(run_program, tmp_path)


def test_a_hotfix_is_read_from_text_paths_and_dicts(tmp_path):
    assert read(PATCH).form == "patch"
    assert read({"player": "x = 1\n"}).form == "modules"
    assert read("import player\nplayer.x = 1\n").form == "script"
    (tmp_path / "fix.patch").write_text(PATCH)
    assert read(tmp_path / "fix.patch") == read(str(tmp_path / "fix.patch")) == read(PATCH)
    assert read('{"player": "x = 1\\n"}') == read({"player": "x = 1\n"})
    assert read(PATCH).id == "hf-" + read(PATCH).digest[:12] and read(PATCH, id="mine").id == "mine"
    assert read("# midflight-base: player " + digest_of("x = 1\n") + "\nimport player\n").base == {"player": digest_of("x = 1\n")}
    assert digest_of(b"\xef\xbb\xbfx = 1\r\n") == digest_of("x = 1\n")


@pytest.mark.parametrize("given, word", [
    ("", "empty"), ("  \n", "empty"), ("x\0y\n", "binary"), (b"\xff\xfe\n", "no text"), ({}, "empty"), ({"a b": "x"}, "dotted name"),
    ({"a": 5}, "no text"), (5, "not int"), ("{nonsense\n}", "line 1"), ("missing.patch", "cannot be read"),
    (PATCH.replace("@@ -6,3", "@@ -6,9"), "ends inside a hunk"), (PATCH.replace("+++ b/player.py", "+++ /dev/null"), "a deleted file"),
    (PATCH.replace("--- a/player.py", "--- /dev/null"), "a new file"), (PATCH.replace("+++ b/player.py", "+++ b/other.py"), "renames"),
    ("diff --git a/x b/x\nGIT binary patch\nliteral 3\n", "binary patch"), ("diff --git a/x b/x\n", "no file"),
    ({"a": "x", "midflight-base": {"a": "12"}}, "64 hex")])
def test_what_is_no_hotfix_is_refused_with_a_word(given, word):
    with pytest.raises(ValueError, match=word):
        read(given)


def test_a_changed_text_does_not_pass_for_the_old_digest():
    fix = read(PATCH)
    with pytest.raises(ValueError, match="changed on its way"):
        Hotfix(fix.form, fix.id, fix.text + "\n", fix.base, fix.digest)
    with pytest.raises(ValueError, match="id"):
        read(PATCH, id="../x")


def test_a_patch_reaches_every_copy_and_goes_back(program):
    program(f"""
    patch = {PATCH!r}
    before = spaces()
    dry = midflight.hotfix(patch, dry_run=True)
    assert dry.outcome == "skipped" and dry.dry_run and attack.fires() == {{"old fire"}}
    assert "references that follow: 7; instances to migrate: 0; estimated pause: 0.01 ms" in str(dry), dry
    assert (dry.foreseen["references"], dry.foreseen["instances"]) == (7, 0) and 0 < dry.foreseen["pause_ms"] < 0.02, dry.foreseen
    slots = {{"player": pathlib.Path("player.py").read_text().replace("class Weapon:", "class Weapon:\\n    __slots__ = ('x',)")}}
    assert midflight.hotfix(slots, dry_run=True).foreseen["instances"] == 1, midflight.hotfix(slots, dry_run=True)
    report = good(midflight.hotfix(patch, id="hf-1"))
    assert report.foreseen is None, report.foreseen
    assert report.hotfix == "hf-1" and report.form == "patch" and [entry.name for entry in report.changed] == ["Player.fire"]
    assert "hotfix hf-1" in str(report) and '"hotfix": "hf-1"' in report.to_json()
    assert attack.fires() == {{"new fire"}}
    back = good(midflight.undo())
    assert back.undoes == report.number and back.hotfix == "hf-1"
    assert attack.fires() == {{"old fire"}}
    assert {{key: value for key, value in spaces().items() if key != "code"}} == {{key: value for key, value in before.items() if key != "code"}}
    assert [one.hotfix for one in midflight.history()] == ["hf-1", "hf-1"]
    """)


def test_a_base_is_pinned_and_the_difference_shown(program):
    program("""
    from midflight.hotfix import digest_of
    text = pathlib.Path("config.py").read_text()
    fix = {"config": text.replace("LIMIT = 3", "LIMIT = 4"), "midflight-base": {"config": digest_of(text)}}
    good(midflight.hotfix({"config": text.replace("'x'", "'y'").replace('"x"', '"y"')}))
    report = bad(midflight.hotfix(fix), "runs another source", '-NAMES = ["x"]', '+NAMES = ["y"]')
    assert report.reasons[0].code == "MF601"
    assert config.LIMIT == 3 and config.NAMES == ["y"]
    midflight.undo()
    good(midflight.hotfix(fix))
    assert config.LIMIT == attack.LIMIT == 4
    """)


def test_what_does_not_fit_is_rejected_with_file_and_line(program):
    program(f"""
    patch = {PATCH!r}
    before = spaces()
    report = bad(midflight.hotfix(patch.replace("old fire", "odd fire")), "player.py:8", "wanted", "found")
    assert report.reasons[0].code == "MF604" and report.reasons[0].line == 8
    assert bad(midflight.hotfix(patch.replace("player.py", "nobody.py"))).reasons[0].code == "MF603"
    assert bad(midflight.hotfix({{"nobody": "x = 1"}})).reasons[0].code == "MF602"
    report = bad(midflight.hotfix({{"config": "LIMIT = ("}}), "config.py:1", "SyntaxError")
    assert bad(midflight.hotfix({{"config": "LIMIT = 1 / 0"}}), "ZeroDivisionError").reasons[0].file.endswith("config.py")
    assert spaces() == before and midflight.status()["pending"] == []
    moved = patch.replace("@@ -6,3 +6,3 @@", "@@ -2,3 +2,3 @@")
    good(midflight.hotfix(moved))                      # its lines stand at one place only
    assert attack.fires() == {{"new fire"}}
    """)


def test_a_hotfix_takes_nothing_else_along(program):
    program(f"""
    save("config.py", pathlib.Path("config.py").read_text().replace("LIMIT = 3", "LIMIT = ("))
    bad(midflight.update())
    good(midflight.hotfix({PATCH!r}))
    assert config.LIMIT == 3 and len(midflight.status()["pending"]) == 1
    """)


def test_an_update_that_is_quicker_is_not_undone_by_a_hotfix(program):
    program(f"""
    from midflight import api
    from midflight.hotfix import read
    text = pathlib.Path("player.py").read_text()
    fix = read({{"player": text.replace("old hit", "new hit")}})
    real = api.apply_sources
    def late(sources, mode, extra):
        api.apply_sources = real
        save("player.py", text.replace("old fire", "saved fire"))
        good(midflight.update())
        return real(sources, mode, extra)
    api.apply_sources = late
    report = bad(midflight.hotfix(fix), "quicker")
    assert report.reasons[0].code == "MF601" and attack.fires() == {{"saved fire"}} and attack.weapon.hit() == "old hit"
    good(midflight.hotfix({PATCH.replace("old fire", "saved fire")!r}))
    """)
