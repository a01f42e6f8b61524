"""Hotfix scripts: what they replace runs everywhere, what goes wrong leaves nothing, and the way back is exact."""

import functools

import pytest
from hotfixes import run_program

SEED = '''
import config
config.LIMIT = 100

import player
def new_fire(self, target):
    return f"new fire {config.LIMIT}"
player.Player.fire = new_fire
'''


@pytest.fixture
def program(tmp_path):
    return functools.partial(run_program, tmp_path)


def test_the_copies_of_the_seed_run_the_fix(program):
    program(f"""
    before, fire = spaces(), player.Player.fire
    held = [player.Player.fire, attack.one.fire]
    report = good(midflight.hotfix({SEED!r}, id="hf-seed"))
    assert attack.fires() == {{"new fire 100"}} and held[0](0, 1) == held[1](1) == "new fire 100"
    assert player.Player.fire is fire and fire.__qualname__ == "Player.fire" and fire.__module__ == "player"
    assert attack.LIMIT == 100
    assert {{entry.name for entry in report.changed}} == {{"Player.fire", "LIMIT"}}
    good(midflight.undo())
    assert attack.fires() == {{"old fire"}} and attack.LIMIT == 3 and spaces() == before and player.Player.fire is fire
    good(midflight.undo(to=report.number + 1))
    assert attack.fires() == {{"new fire 100"}}
    assert [one.redoes for one in midflight.history()] == [None, None, 1]
    good(midflight.undo())
    assert spaces() == before
    """)


def test_the_line_of_the_seed_that_is_not_needed_any_more_does_no_harm(program):
    program(f"""
    good(midflight.hotfix({SEED!r} + "import attack\\nattack.player_fire = player.Player.fire\\n"))
    assert attack.fires() == {{"new fire 100"}} and attack.player_fire is player.Player.fire
    """)


def test_a_dry_run_says_what_would_happen_and_leaves_nothing(program):
    program(f"""
    before = spaces()
    report = midflight.hotfix({SEED!r} + 'config.RATES["x"] = 2\\nplayer.Player.more = lambda self: 1\\n', dry_run=True)
    assert report.outcome == "skipped" and report.dry_run, report
    text = str(report)
    for line in ("redefine player.Player.fire in place: 6 other references follow", "set config.LIMIT 3 -> 100", "set attack.LIMIT 3 -> 100",
                 "add config.RATES['x']", "add player.Player.more", "references that follow: 6; instances to migrate: 0; estimated pause"):
        assert line in text, (line, text)
    assert (report.foreseen["references"], report.foreseen["instances"]) == (6, 0) and report.foreseen["pause_ms"] > 0.01, report.foreseen
    assert spaces() == before and midflight.history() == []
    """)


def test_every_kind_of_definition_and_container(program):
    program("""
    before = spaces()
    script = '''
import player, config
orig = player.helper
def helper(x):
    return orig(x) + 1
player.helper = helper
player.slow = lambda x: "new slow"
player.Player.make = staticmethod(lambda: "new make")
player.Player.build = classmethod(lambda cls: "new build " + cls.__name__)
player.Player.hp = property(lambda self: self.health + 1)
config.RATES["x"] = 2
del config.RATES["a"]
config.NAMES.append("y")
config.GROUPS.add("blue")
def added():
    return helper(1)
player.added = added
del config.LIMIT
'''
    good(midflight.hotfix(script))
    assert attack.helper(1) == 2 and player.added() == 2 and attack.slow(1) == "new slow" and player.Player.make() == "new make"
    assert player.Player.build() == "new build Player" and attack.one.hp == 101
    assert config.RATES == {"x": 2} and config.NAMES == ["x", "y"] and config.GROUPS == {"red", "blue"} and not hasattr(config, "LIMIT")
    assert attack.slow(1) == "new slow"
    good(midflight.undo())
    assert spaces() == before and attack.slow(1) == "old slow" and config.RATES == {"a": 1}
    good(midflight.undo(to=99))
    assert attack.helper(1) == 2 and attack.slow(1) == "new slow" and config.RATES == {"x": 2}
    """)


def test_a_class_is_redefined_in_place(program):
    program("""
    import pickle
    before, old = spaces(), player.Weapon
    script = '''
import player
class Weapon:
    damage = 9
    def hit(self):
        return "new hit " + super().__repr__()[:7]
    def more(self):
        return Weapon
player.Weapon = Weapon
player.made = Weapon()
'''
    good(midflight.hotfix(script))
    assert player.Weapon is attack.Weapon is old and attack.weapon.hit() == "new hit <player" and attack.weapon.damage == 9
    assert attack.weapon.more() is old and type(player.made) is old and pickle.loads(pickle.dumps(player.made)).damage == 9
    assert [cls for cls in object.__subclasses__() if cls.__qualname__ == "Weapon"] == [old]
    good(midflight.undo())
    assert spaces() == before and attack.weapon.hit() == "old hit" and not hasattr(attack.weapon, "more")
    bad(midflight.hotfix("import player\\nclass Weapon:\\n    __slots__ = ('a',)\\nplayer.Weapon = Weapon\\n"), "layout")
    assert spaces() == before
    """)


def test_a_copy_is_a_name_and_no_definition(program):
    program("""
    script = '''
import attack
def mine(player, target):
    return "mine"
attack.player_fire = mine
'''
    report = good(midflight.hotfix(script))
    assert attack.attack(1) == "mine" and attack.one.fire(1) == "old fire" and "copy of player.Player.fire" in str(report)
    good(midflight.undo())
    assert attack.fires() == {"old fire"}
    """)


def test_functions_of_elsewhere_and_other_callables(program):
    program("""
    script = '''
import functools, player, operator
player.Player.fire = functools.partial(print, "unused")
player.helper = operator.neg
player.Weapon.hit = player.Player.make
'''
    neg = __import__("operator").neg
    good(midflight.hotfix(script))
    assert attack.helper(2) == -2 and player.helper is neg and attack.weapon.__class__.hit() == "old make"
    assert player.Player.make() == "old make"
    good(midflight.undo())
    assert attack.helper(2) == 2 and attack.weapon.hit() == "old hit"
    """)


BAD = {
    "a syntax error": ("import player\nplayer.helper = (\n", "SyntaxError"),
    "a statement outside": ("return 5\n", "outside function"),
    "nothing": ("# only a comment\n", "no statement"),
    "an exception at the end": ("import player, config\nplayer.helper = lambda x: 5\nconfig.RATES['q'] = 1\nconfig.NAMES.append(1)\n"
                                "player.Player.fire = lambda s, t: 0\ndel config.LIMIT\n1 / 0\n", "ZeroDivisionError"),
    "sys.exit": ("import sys, config\nconfig.LIMIT = 9\nsys.exit(3)\n", "SystemExit"),
    "endless recursion": ("import config\nconfig.LIMIT = 9\ndef f():\n    f()\nf()\n", "RecursionError"),
    "deep nesting": ("(" * 300 + ")" * 300 + "\n", "Error"),
    "an import that fails": ("import config\nconfig.LIMIT = 9\nimport nobody_has_this\n", "ModuleNotFoundError"),
    "internals": ("import player\nplayer.helper.__code__ = (lambda x: 3).__code__\n", "assign the whole function"),
    "an unknown future": ("from __future__ import barry\nimport config\nconfig.LIMIT = 9\n", "future feature"),
    "a wrong base": ("# midflight-base: config " + "0" * 64 + "\nimport config\nconfig.LIMIT = 9\n", "another source"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_goes_wrong_leaves_nothing(program, name):
    script, word = BAD[name]
    program(f"""
    before = spaces()
    report = bad(midflight.hotfix({script!r}), {word!r})
    assert spaces() == before and attack.fires() == {{"old fire"}} and config.RATES == {{"a": 1}} and config.NAMES == ["x"]
    assert midflight.undo().outcome == "skipped"
    good(midflight.hotfix({SEED!r}))
    """)


def test_a_thread_that_a_script_starts_is_told(program):
    program("""
    script = '''
import threading, config
done = threading.Event()
thread = threading.Thread(target=done.wait)
thread.start()
config.LIMIT = 9
'''
    report = good(midflight.hotfix(script, id="hf-thread"))
    assert any(note.code == "MF306" and "thread" in note.text for note in report.notes), report
    sys.modules["hotfix_hf_thread"].done.set()
    report = bad(midflight.hotfix(script + "1 / 0\\n", id="hf-2"))
    assert any(note.code == "MF306" for note in report.notes)
    import gc, threading
    for one in threading.enumerate():
        if one is not threading.main_thread():
            one._target.__self__.set() if one._target else None
    """)


def test_an_update_inside_a_script_is_skipped(program):
    program("""
    script = "import midflight, config\\nreport = midflight.update()\\nassert report.outcome == 'skipped'\\nconfig.LIMIT = 9\\n"
    good(midflight.hotfix(script))
    assert config.LIMIT == 9
    with midflight.hold():
        assert midflight.hotfix("import config\\nconfig.LIMIT = 10\\n").outcome == "skipped"
    assert config.LIMIT == 9
    """)


def test_who_still_runs_the_old_code_is_named(program):
    program("""
    import threading
    script = '''
import waiting
def wait(entered, go):
    return "new"
waiting.wait = wait
def numbers():
    yield 5
waiting.numbers = numbers
'''
    import waiting
    entered, go, answers = threading.Event(), threading.Event(), []
    thread = threading.Thread(target=lambda: answers.append(waiting.wait(entered, go)))
    thread.start()
    entered.wait()
    suspended = waiting.numbers()
    assert next(suspended) == 1
    dry = midflight.hotfix(script, dry_run=True)
    assert sum("still runs its old code" in line for line in dry.plan) == 2, dry.plan
    report = good(midflight.hotfix(script))
    assert sorted(entry.text.split()[0] for entry in report.stragglers) == ["numbers", "wait"], report.stragglers
    assert next(suspended) == 2 and list(waiting.numbers()) == [5] and waiting.wait(entered, go) == "new"
    go.set()
    thread.join()
    assert answers == ["old"]
    """, **{"waiting.py": """
        def wait(entered, go):
            entered.set()
            go.wait()
            return "old"

        def numbers():
            yield 1
            yield 2
        """})


def test_threads_that_call_all_the_while(program):
    program("""
    import threading
    script = '''
import player, config
def fire(self, target):
    return "new fire"
player.Player.fire = fire
orig = player.helper
def helper(x):
    return orig(x) + 1
player.helper = helper
class Weapon:
    damage = 9
    def hit(self):
        return "new hit"
player.Weapon = Weapon
config.RATES["x"] = 2
config.NAMES.append("y")
'''
    stop, wrong, counts = threading.Event(), [], [0] * 3
    def work(number):
        while not stop.is_set():
            seen = (attack.attack(1), attack.bound(1), attack.helper(1), attack.weapon.hit(), attack.part(1))
            counts[number] += 1
            if not (set(seen) <= {"old fire", "new fire", "old hit", "new hit", 1, 2}):
                wrong.append(seen)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    before = spaces()
    for thread in threads:
        thread.start()
    for _ in range(40):
        seen = list(counts)
        good(midflight.hotfix(script, id="hf-threads"))
        assert attack.fires() == {"new fire"} and attack.helper(1) == 2 and attack.weapon.damage == 9
        good(midflight.undo())
        assert attack.fires() == {"old fire"} and config.NAMES == ["x"] and config.RATES == {"a": 1}
        while counts == seen:
            stop.wait(0.001)
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[:3]
    assert spaces() == before
    """)
