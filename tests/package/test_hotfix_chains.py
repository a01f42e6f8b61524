"""Chains of updates, patches and scripts, walked up and down at random: every number is again what it was."""

import functools

import pytest
from hotfixes import run_program

WALK = """
import random

SOURCES = {name: pathlib.Path(name + ".py").read_text() for name in ("player", "config", "attack")}

EDITS = [
    ("player", '"old fire"', '"fire {n}"'), ("player", "return x", "return x + {n}"), ("player", '"old hit"', '"hit {n}"'),
    ("player", "damage = 1", "damage = {n}"), ("player", "self.health = 100", "self.health = 100\\n        self.shield{n} = {n}"),
    ("player", "def helper(x):", "def helper(x, more={n}):"), ("config", "LIMIT = 3", "LIMIT = {n}"),
    ("config", 'NAMES = ["x"]', 'NAMES = ["x", "n{n}"]'), ("config", 'RATES = {"a": 1}', 'RATES = {"a": {n}}'),
    ("player", "class Weapon:", "def added{n}():\\n    return {n}\\n\\nclass Weapon:"),
]
SCRIPTS = [
    "import player\\ndef fire(self, target):\\n    return 'script {n}'\\nplayer.Player.fire = fire",
    "import player\\norig = player.helper\\ndef helper(x):\\n    return orig(x) * {n}\\nplayer.helper = helper",
    "import config\\nconfig.RATES['k{n}'] = {n}\\nconfig.NAMES.append({n})\\nconfig.GROUPS.discard('red')",
    "import config\\nconfig.LIMIT = {n}",
    "import player, attack\\nplayer.slow = lambda x: 'slow {n}'\\nattack.one.health = {n}\\nplayer.Player.extra{n} = lambda self: {n}",
    "import player\\nclass Weapon:\\n    damage = {n}\\n    def hit(self):\\n        return 'class {n}'\\n    def more{n}(self):\\n        return 1\\nplayer.Weapon = Weapon",
]

kept = {"fire": player.Player.fire, "helper": player.helper, "Weapon": player.Weapon, "Player": player.Player,
        "RATES": config.RATES, "NAMES": config.NAMES, "GROUPS": config.GROUPS}

def state():
    now = {"fire": player.Player.fire, "helper": player.helper, "Weapon": player.Weapon, "Player": player.Player,
           "RATES": config.RATES, "NAMES": config.NAMES, "GROUPS": config.GROUPS}
    assert all(now[name] is kept[name] for name in kept), [name for name in kept if now[name] is not kept[name]]
    assert len(attack.fires()) == 1, attack.fires()
    return {
        "fires": attack.fires(), "helper": (attack.helper(2), player.helper(2), player.helper.__defaults__), "slow": attack.slow(1),
        "hit": attack.weapon.hit(), "damage": attack.weapon.damage, "LIMIT": (config.LIMIT, attack.LIMIT), "RATES": dict(config.RATES),
        "order": list(config.RATES), "NAMES": list(config.NAMES), "GROUPS": set(config.GROUPS), "health": attack.one.health,
        "names": (set(vars(player)), set(vars(config)), set(vars(attack)), set(vars(player.Player)) , set(vars(player.Weapon))),
        "text": {name: midflight.api.running()[name][1] for name in SOURCES},
        "layers": {path: (layer.file, dict(layer.owners)) for path, layer in midflight.api._engine.layers().items()},
        "hotfixes": [name for name in sys.modules if name.startswith("hotfix_")],
    }

def step(n):
    kind = random.choice(("save", "patch", "script", "script"))
    if kind == "script":
        return midflight.hotfix(random.choice(SCRIPTS).replace("{n}", str(n)), id=f"hf-{n}")
    name, old, new = random.choice(EDITS)
    new = new.replace("{n}", str(n))
    if kind == "save":
        SOURCES[name] = SOURCES[name].replace(old, new, 1)
        save(name + ".py", SOURCES[name])
        return midflight.update()
    running = midflight.api.running()[name][1].decode()
    return midflight.hotfix({name: running.replace(old, new, 1)}, id=f"hf-{n}")

random.seed(SEED)
numbers, states = [], [state()]
while len(numbers) < 30:
    report = step(len(numbers) + len(midflight.history()) + 10)
    if report.outcome == "skipped":
        continue
    assert report.outcome == "committed", report
    numbers.append(report.number)
    states.append(state())
here = 30
for turn in range(30):
    there = random.randrange(31)
    to = numbers[there] if there < 30 else numbers[-1] + 1
    report = midflight.undo(to=to)
    assert report.outcome == ("skipped" if there == here else "committed"), report
    here = there
    now = state()
    assert now == states[there], (turn, there, [(key, now[key], states[there][key]) for key in now if now[key] != states[there][key]])
midflight.undo(to=numbers[0])
assert state() == states[0]
midflight.undo(to=numbers[-1] + 1)
assert state() == states[30]
"""


@pytest.mark.parametrize("seed", range(6))
def test_thirty_random_steps(tmp_path, seed):
    functools.partial(run_program, tmp_path)(WALK.replace("SEED", str(seed)))
