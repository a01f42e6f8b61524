"""A hotfix and the files: what a save touches is the file's, what it does not touch keeps the fix; and the chain of undo."""

import functools

import pytest
from hotfixes import run_program
from test_hotfix import PATCH

SCRIPT = """
import player
def fire(self, target):
    return "new fire"
player.Player.fire = fire
"""


@pytest.fixture
def program(tmp_path):
    return functools.partial(run_program, tmp_path)


@pytest.mark.parametrize("fix", [PATCH, SCRIPT], ids=["patch", "script"])
@pytest.mark.parametrize("edit, touches", [
    (("return x", "return x + 1"), False), (('"old hit"', '"other hit"'), False), (("import functools", "import functools\n# a line\n\n"), False),
    (('"old fire"', '"third fire"'), True), (("def fire(self, target):", "def fire(self, target, more=1):"), True),
    (("class Player:", "@str.__class__.__call__\nclass Player:"), None),
    (("    def fire", "    @functools.lru_cache\n    def fire"), True)], ids=lambda value: value[0][:12] if type(value) is tuple else None)
def test_a_save(program, fix, edit, touches):
    if touches is None:                     # the class statement runs as a whole, the method's text is as it was
        edit, touches = (("class Player:", "class Player(metaclass=type):"), False)
    program(f"""
    report = good(midflight.hotfix({fix!r}, id="hf-1"))
    assert attack.fires() == {{"new fire"}}
    text = pathlib.Path("player.py").read_text()
    assert midflight.update().outcome == "skipped"
    edit, touches = {edit!r}, {touches!r}
    assert edit[0] in text
    save("player.py", text.replace(*edit, 1))
    saved = good(midflight.update())
    notes = [note for note in saved.notes if note.code == "MF320"]
    assert bool(notes) == touches and all("hf-1" in note.text and "fire" in note.text for note in notes), saved
    third = "third fire" if "third" in edit[1] else "old fire"
    assert attack.fires() == {{third if touches else "new fire"}}, attack.fires()
    assert midflight.update().outcome == "skipped"
    # up and down the chain
    good(midflight.undo())
    assert attack.fires() == {{"new fire"}}, attack.fires()
    good(midflight.undo())
    assert attack.fires() == {{"old fire"}}, attack.fires()
    good(midflight.undo(to=saved.number))
    assert attack.fires() == {{"new fire"}}
    good(midflight.undo(to=saved.number + 1))
    assert attack.fires() == {{third if touches else "new fire"}}
    good(midflight.undo(to=saved.number))
    assert attack.fires() == {{"new fire"}}
    # saved as it was: nothing was touched
    save("player.py", text)
    midflight.update()
    assert attack.fires() == {{"new fire"}}
    """)


def test_two_fixes_of_one_file_and_a_save_that_has_one_of_them(program):
    program(f"""
    text = pathlib.Path("player.py").read_text()
    good(midflight.hotfix({PATCH!r}, id="hf-1"))
    running = midflight.api.running()["player"][1].decode()
    good(midflight.hotfix({{"player": running.replace("return x", "return x + 1").replace("class Weapon:", "def added():\\n    return 7\\n\\nclass Weapon:")}}, id="hf-2"))
    assert attack.fires() == {{"new fire"}} and attack.helper(1) == 2 and player.added() == 7
    save("player.py", text.replace('"old fire"', '"new fire"').replace('"old hit"', '"third hit"'))
    report = good(midflight.update())
    assert not [note for note in report.notes if note.code == "MF320"], report
    assert attack.fires() == {{"new fire"}} and attack.helper(1) == 2 and player.added() == 7 and attack.weapon.hit() == "third hit"
    save("player.py", text.replace("return x", "return x + 5"))
    report = good(midflight.update())
    assert ["hf-2" in note.text for note in report.notes if note.code == "MF320"] == [True], report
    assert attack.fires() == {{"old fire"}} and attack.helper(1) == 6 and player.added() == 7 and attack.weapon.hit() == "old hit"
    for _ in range(4):
        good(midflight.undo())
    assert attack.fires() == {{"old fire"}} and attack.helper(1) == 1 and not hasattr(player, "added")
    assert midflight.undo().outcome == "skipped"
    assert midflight.update().changed            # the file says something else by now
    """)


def test_a_watched_save_keeps_the_fix(program):
    program(f"""
    import threading
    midflight.watch()
    good(midflight.hotfix({PATCH!r}, id="hf-1"))
    arrived = threading.Event()
    midflight.on("committed", lambda report: arrived.set())
    save("player.py", pathlib.Path("player.py").read_text().replace("return x", "return x + 1"))
    assert arrived.wait(30)
    assert attack.fires() == {{"new fire"}} and attack.helper(1) == 2
    """)
