"""Hotfix scripts whose writes and allocations fail one after the other: each time nothing has changed, and the next one goes in."""

import functools

import pytest
from hotfixes import run_program

FAULTS = """
from midflight import _engine
script = '''
import config, player
def fire(self, target):
    return "new fire"
player.Player.fire = fire
player.helper = lambda x: x + 1
class Weapon:
    damage = 9
    def hit(self):
        return "new hit"
player.Weapon = Weapon
player.Player.more = 1
del player.Player.hp
config.LIMIT = 9
config.RATES["x"] = 2
del config.RATES["a"]
config.NAMES.append("y")
config.GROUPS.add("blue")
'''
good(midflight.hotfix(script, id="first"))          # what is made once is made
good(midflight.undo())

def failing(lever, go, still):
    failed = number = 0
    while True:
        number += 1
        _engine.lever(lever, number)
        try:
            report = go()
        except MemoryError:
            report = None
        finally:
            _engine.lever(lever, 0)
        now = spaces()
        if report is not None and report.outcome == "committed":
            assert now != still, number
            return failed
        assert report is None or report.outcome in ("rolled back", "rejected"), report
        assert now == still, (number, [name for name in now if now[name] != still[name]])
        failed += 1
        number += number // STRIDE

def there():
    return midflight.hotfix(script, id="again")

before = spaces()
assert failing("LEVER", there, before) >= LEAST
with_it = spaces()
assert with_it["modules"] == ["hotfix_again"] and attack.fires() == {"new fire"}
assert failing("LEVER", midflight.undo, with_it) >= LEAST_BACK
assert spaces() == before
assert failing("LEVER", lambda: midflight.undo(to=10 ** 6), before) >= LEAST_BACK
assert spaces() == with_it
"""


@pytest.mark.parametrize("lever, least, back, stride", [("fail_step", 12, 12, 1000), ("fail_alloc", 30, 5, 20)])
def test_failures_leave_nothing(tmp_path, lever, least, back, stride):
    script = FAULTS.replace("LEVER", lever).replace("LEAST_BACK", str(back)).replace("LEAST", str(least)).replace("STRIDE", str(stride))
    functools.partial(run_program, tmp_path)(script)
