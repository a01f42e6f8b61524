"""Formulas: what a blow does, and what follows when somebody falls."""

from chat import room_hears, tell
from config import BOUNTIES, CRIT_EVERY, CRIT_FACTOR, START_ROOM, XP_PER_LEVEL
from entities import Entity, Monster, Player
from world import world


def damage(attacker: Entity, target: Entity) -> int:
    """Points that the next blow of `attacker` takes from `target`."""
    points = attacker.power
    if attacker.blows % CRIT_EVERY == CRIT_EVERY - 1:
        points *= CRIT_FACTOR
    return max(0, points - target.armour)


def blow(attacker: Entity, target: Entity) -> str:
    points = damage(attacker, target)
    attacker.blows += 1
    return strike(attacker, target, points, "hits")


def strike(attacker: Entity, target: Entity, points: int, verb: str) -> str:
    """Take `points` from `target`; says what happened, to the room as well."""
    target.hurt(points)
    text = f"{attacker.name} {verb} {target.name} for {points}."
    if not target.alive:
        text += f" {target.name} falls."
    room_hears(attacker.room, text, but=attacker if isinstance(attacker, Player) else target)
    if not target.alive:
        text += fell(attacker, target)
    return text


def fell(winner: Entity, loser: Entity) -> str:
    """Rewards for the winner, a way back for the loser."""
    if isinstance(loser, Player):
        world.rooms[START_ROOM].add(loser)
        loser.revive()
        tell(loser, "You wake up at the gate.")
    if isinstance(winner, Player) and isinstance(loser, Monster):
        return reward(winner, loser)
    return ""


def reward(winner: Player, loser: Monster) -> str:
    level = winner.level
    winner.xp += loser.xp
    gold = BOUNTIES.get(loser.kind, 0)
    winner.gold += gold
    text = f" +{loser.xp} xp, +{gold} gold."
    if winner.level > level:
        text += f" Level {winner.level}! The next one is {XP_PER_LEVEL} xp away."
    return text
