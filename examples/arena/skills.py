"""Skills: each one registers itself by name."""

from collections.abc import Callable
from dataclasses import dataclass

from combat import strike
from entities import Entity, Player


@dataclass(frozen=True)
class Skill:
    name: str
    mana: int
    use: Callable[[Player, Entity], str]

    @property
    def help(self) -> str:
        return f"{self.name} ({self.mana} mana): {self.use.__doc__}"


SKILLS: dict[str, Skill] = {}


def skill(name: str, mana: int):
    """Register the decorated function as the skill `name`."""
    def register(use):
        SKILLS[name] = Skill(name, mana, use)
        return use
    return register


@skill("fireball", mana=3)
def fireball(caster, target):
    """burns, and armour does not help"""
    return strike(caster, target, 4 + 2 * caster.level, "burns")


@skill("drain", mana=4)
def drain(caster, target):
    """takes hit points over to you"""
    points = min(5, target.hp)
    caster.hp = min(caster.max_hp, caster.hp + points)
    return strike(caster, target, points, "drains")


@skill("mend", mana=5)
def mend(caster, target):
    """closes the wounds of a friend, or yours"""
    healed = min(15, target.max_hp - target.hp)
    target.hp += healed
    return f"{caster.name} mends {target.name} by {healed}."
