"""What the tests of hotfixes share: a small game with copies everywhere, and a program around it in a process of its own."""

import subprocess
import sys
import textwrap

from helpers import environment, write

GAME = {
    "player.py": """
        import functools

        class Player:
            def __init__(self):
                self.health = 100

            def fire(self, target):
                return "old fire"

            @staticmethod
            def make():
                return "old make"

            @classmethod
            def build(cls):
                return "old build " + cls.__name__

            @property
            def hp(self):
                return self.health

        def helper(x):
            return x

        @functools.lru_cache
        def slow(x):
            return "old slow"

        class Weapon:
            damage = 1

            def hit(self):
                return "old hit"
        """,
    "config.py": """
        RATES = {"a": 1}
        LIMIT = 3
        NAMES = ["x"]
        GROUPS = {"red"}
        """,
    "attack.py": """
        import functools
        import player
        from player import Weapon, helper, slow
        from config import LIMIT

        player_fire = player.Player.fire
        CALLBACKS = {"fire": player.Player.fire, "all": [player.Player.fire]}
        part = functools.partial(player.Player.fire, "me")
        one = player.Player()
        bound = one.fire
        weapon = Weapon()

        class Boss:
            attack = player.Player.fire

        def attack(target):
            return player_fire(one, target)

        def fires():
            return {attack(1), CALLBACKS["fire"](0, 1), CALLBACKS["all"][0](0, 1), part(1), bound(1), Boss().attack(1), one.fire(1)}
        """,
}

PRELUDE = """
import os, pathlib, sys
import midflight
midflight.start(roots=[os.getcwd()], exclude=["script.py"])
import attack, config, player

def save(path, text):
    with open(path + ".part", "w") as file:
        file.write(text)
    os.replace(path + ".part", path)

def spaces():
    out = {}
    for module in (player, config, attack):
        out[module.__name__] = {name: (id(value), repr(value)) for name, value in vars(module).items() if name != "__builtins__"}
    for cls in (player.Player, player.Weapon, attack.Boss):
        out[cls.__name__] = {name: (id(value), repr(value)) for name, value in vars(cls).items()}
    out["code"] = [f.__code__ for f in (player.Player.fire, player.helper, player.slow.__wrapped__, player.Weapon.hit)]
    out["modules"] = [name for name in sys.modules if name.startswith("hotfix_")]
    return out

def good(report):
    assert report.outcome == "committed", report
    return report

def bad(report, *words):
    assert report.outcome == "rejected", report
    for word in words:
        assert word in str(report), (word, str(report))
    return report
"""


def run_program(folder, script, env=(), **files):
    """script: statements behind PRELUDE; their asserts are the test's."""
    write(folder, {**GAME, "script.py": PRELUDE + textwrap.dedent(script), **files})
    done = subprocess.run([sys.executable, "-X", "faulthandler", "script.py"], cwd=folder, capture_output=True, text=True, timeout=120,
                          env=environment(**dict(env)))
    assert done.returncode == 0, done.stdout + done.stderr
    return done
