"""What players can type. Each command registers itself under its name and aliases and returns the reply."""

import asyncio
import functools

from chat import all_hear, history, room_hears
from combat import blow
from config import BOUNTIES, TICK_SECONDS, WEAPONS, XP_PER_LEVEL
from entities import Entity, Player
from skills import SKILLS
from world import world


class Refusal(Exception):
    """The command cannot be done; the text says why."""


COMMANDS = {}


def command(*names: str):
    """Register the decorated function under each of `names`; the first is the one that help shows."""
    def register(function):
        for name in names:
            COMMANDS[name] = function
        function.names = names
        return function
    return register


def fee(gold: int):
    """Let the player pay before the decorated command runs."""
    def decorate(function):
        @functools.wraps(function)
        def paid(player, words):
            if player.gold < gold:
                raise Refusal(f"That costs {gold} gold.")
            player.gold -= gold
            return f"{function(player, words)} (-{gold} gold)"
        return paid
    return decorate


def target_of(player: Player, words: list[str]) -> Entity:
    if not words:
        raise Refusal("Whom?")
    target = player.room.find(words[0])
    if target is None:
        raise Refusal(f"There is no {words[0]} here.")
    if not target.alive:
        raise Refusal(f"{target.name} has fallen already.")
    return target


def run(player: Player, line: str):
    """The reply to one line, or an awaitable of it."""
    word, *words = line.split()
    function = COMMANDS.get(word.lower())
    if function is None:
        raise Refusal(f"What is {word!r}? Try 'help'.")
    return function(player, words)


@command("help", "?")
def help_(player, words):
    """what you can do"""
    functions = dict.fromkeys(COMMANDS.values())
    return "\n".join(f"{', '.join(function.names):<16} {function.__doc__}" for function in functions)


@command("look", "l")
def look(player, words):
    """where you are and who is there"""
    return player.room.describe(player)


@command("go", "walk")
def go(player, words):
    """go EXIT: to another room"""
    way = words[0] if words else ""
    if way not in player.room.exits:
        raise Refusal("There is no way there.")
    room_hears(player.room, f"{player.name} goes {way}.", but=player)
    world.rooms[player.room.exits[way]].add(player)
    room_hears(player.room, f"{player.name} arrives.", but=player)
    return look(player, [])


@command("attack", "hit", "a")
def attack(player, words):
    """attack WHOM: one blow, and maybe one back"""
    target = target_of(player, words)
    text = blow(player, target)
    if target.alive and target.power:
        text += "\n" + blow(target, player)
    return text


@command("cast", "c")
def cast(player, words):
    """cast SKILL WHOM: see skills"""
    spell = SKILLS.get(words[0]) if words else None
    if spell is None:
        raise Refusal("You do not know that one.")
    target = target_of(player, words[1:])
    if player.mana < spell.mana:
        raise Refusal(f"That takes {spell.mana} mana.")
    player.mana -= spell.mana
    return spell.use(player, target)


@command("skills")
def skills(player, words):
    """what you can cast"""
    return "\n".join(spell.help for spell in SKILLS.values())


@command("wield", "take")
def wield(player, words):
    """wield WEAPON: in the smithy"""
    if player.room.key != "smithy":
        raise Refusal("The weapons are in the smithy.")
    if not words or words[0] not in WEAPONS:
        raise Refusal("There are: " + ", ".join(WEAPONS))
    player.weapon = words[0]
    return f"You wield {player.weapon}."


@command("bounty")
def bounty(player, words):
    """bounty [KIND GOLD]: see the bounties, or put your gold on one"""
    if not words:
        return ", ".join(f"{kind} {gold}" for kind, gold in BOUNTIES.items())
    if len(words) != 2 or not words[1].isdecimal():
        raise Refusal("bounty KIND GOLD")
    gold = int(words[1])
    if gold > player.gold:
        raise Refusal("You do not have that much.")
    player.gold -= gold
    BOUNTIES[words[0]] = BOUNTIES.get(words[0], 0) + gold
    return f"Now {BOUNTIES[words[0]]} gold on {words[0]}."


@command("score", "sc")
def score(player, words):
    """how you are doing"""
    missing = XP_PER_LEVEL - player.xp % XP_PER_LEVEL
    return f"{player.describe()}, {player.xp} xp ({missing} to go), {player.gold} gold"


@command("rest")
async def rest(player, words):
    """sit down until you are well"""
    while player.hp < player.max_hp or player.mana < player.max_mana:
        await asyncio.sleep(TICK_SECONDS)
    return "You are well."


@command("say", "'")
def say(player, words):
    """say TEXT: to the room"""
    text = " ".join(words)
    room_hears(player.room, f"{player.name}: {text}", but=player)
    return f"You say: {text}"


@command("shout")
@fee(1)
def shout(player, words):
    """shout TEXT: to everybody, for a gold piece"""
    text = " ".join(words)
    all_hear(f"{player.name} shouts: {text}", but=player)
    return f"You shout: {text}"


@command("history")
def recent(player, words):
    """what everybody heard lately"""
    return "\n".join(history) or "Silence."


@command("who")
def who(player, words):
    """who plays"""
    return ", ".join(sorted(world.players))
