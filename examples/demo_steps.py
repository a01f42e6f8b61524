"""The edits of demo.py, in order, with what the players see before and after each."""

from dataclasses import dataclass, field

Probe = tuple[str, str, str]    # who, what they type, what they read ("(waits)": it comes by itself)


@dataclass
class Step:
    title: str
    edits: list[tuple[str, str, str]] = field(default_factory=list)     # file, a text in it, the text instead
    adds: dict[str, str] = field(default_factory=dict)                  # new files
    undoes: str = ""                                                    # title of a step: its files as they were before
    before: list[Probe] = field(default_factory=list)
    after: list[Probe] = field(default_factory=list)
    outcome: str = "committed"


UNKNOWN = "What is {!r}? Try 'help'."

STEPS = [
    Step(
        "the body of a function",
        edits=[("skills.py", "4 + 2 * caster.level", "9 + 2 * caster.level")],
        before=[
            ("ann", "cast fireball rat", "ann burns rat for 6."),
            ("ann", "cast fireball rat", "ann burns rat for 6. rat falls. +20 xp, +3 gold."),
        ],
        after=[("ann", "cast fireball dummy", "ann burns dummy for 11.")],
    ),
    Step(
        "a constant that three modules import by name",
        edits=[("config.py", "XP_PER_LEVEL = 50", "XP_PER_LEVEL = 20")],
        before=[("ann", "score", "ann 40/40 level 1, 20 xp (30 to go), 13 gold")],
        after=[
            ("ann", "score", "ann 40/40 level 2, 20 xp (20 to go), 13 gold"),
            ("ben", "go north", "Exits: south, down"),
            ("ben", "cast fireball rat", "ben burns rat for 11. rat falls. +20 xp, +3 gold. Level 2! The next one is 20 xp away."),
        ],
    ),
    Step(
        "a new method, called on players who are in already",
        edits=[
            ("entities.py", "    def revive(self)",
             '    @property\n    def title(self) -> str:\n        return "novice" if self.level < 3 else "gladiator"\n\n    def revive(self)'),
            ("commands.py", 'return ", ".join(sorted(world.players))',
             'return ", ".join(f"{name} the {world.players[name].title}" for name in sorted(world.players))'),
        ],
        before=[("ann", "who", "ann, ben")],
        after=[("ann", "who", "ann the novice, ben the novice")],
    ),
    Step(
        "a new attribute in __init__, for players made before it",
        edits=[
            ("entities.py", "        self.gold = 10\n", "        self.gold = 10\n        self.felled = 0\n"),
            ("combat.py", "    winner.xp += loser.xp\n", "    winner.xp += loser.xp\n    winner.felled += 1\n"),
            ("commands.py", "{player.gold} gold\"", "{player.gold} gold, {player.felled} felled\""),
        ],
        before=[("ben", "score", "ben 40/40 level 2, 20 xp (20 to go), 13 gold")],
        after=[
            ("ben", "score", "ben 40/40 level 2, 20 xp (20 to go), 13 gold, 0 felled"),
            ("ben", "cast fireball wolf", "ben burns wolf for 13."),
            ("ben", "cast fireball wolf", "ben burns wolf for 13. wolf falls. +60 xp, +8 gold. Level 5! The next one is 20 xp away."),
            ("ben", "score", "ben 40/40 level 5, 80 xp (20 to go), 21 gold, 1 felled"),
        ],
    ),
    Step(
        "a decorator put on a command",
        edits=[("commands.py", "@command(\"say\", \"'\")\n", "@command(\"say\", \"'\")\n@fee(2)\n")],
        before=[("ann", "say hello", "You say: hello")],
        after=[
            ("ann", "say hello", "You say: hello (-2 gold)"),
            ("ann", "' hello", "You say: hello (-2 gold)"),
        ],
    ),
    Step(
        "a decorator's argument",
        edits=[("skills.py", '@skill("mend", mana=5)', '@skill("mend", mana=2)')],
        before=[("ben", "skills", "mend (5 mana): closes the wounds of a friend, or yours")],
        after=[("ben", "skills", "mend (2 mana): closes the wounds of a friend, or yours")],
    ),
    Step(
        "a new command",
        edits=[("commands.py", '@command("who")',
                '@command("dance")\ndef dance(player, words):\n    """for the crowd"""\n    return f"{player.name} dances."\n\n\n@command("who")')],
        before=[("ben", "dance", UNKNOWN.format("dance"))],
        after=[("ben", "dance", "ben dances.")],
    ),
    Step(
        "a removed command",
        edits=[("commands.py",
                '@command("history")\ndef recent(player, words):\n    """what everybody heard lately"""\n    return "\\n".join(history) or "Silence."\n\n\n', "")],
        before=[("ann", "history", "ben enters the arena.")],
        after=[("ann", "history", UNKNOWN.format("history"))],
    ),
    Step(
        "two modules at once: a signature and its callers",
        edits=[
            ("combat.py", "def strike(attacker: Entity, target: Entity, points: int, verb: str)",
             "def strike(attacker: Entity, verb: str, target: Entity, points: int)"),
            ("combat.py", 'strike(attacker, target, points, "hits")', 'strike(attacker, "hits", target, points)'),
            ("combat.py", '{target.name} for {points}."', '{target.name}: -{points}."'),
            ("skills.py", 'strike(caster, target, 9 + 2 * caster.level, "burns")', 'strike(caster, "burns", target, 9 + 2 * caster.level)'),
            ("skills.py", 'strike(caster, target, points, "drains")', 'strike(caster, "drains", target, points)'),
        ],
        before=[
            ("ann", "attack dummy", "ann hits dummy for 3."),
            ("ann", "cast fireball dummy", "ann burns dummy for 13."),
        ],
        after=[
            ("ann", "attack dummy", "ann hits dummy: -3."),
            ("ann", "cast fireball dummy", "ann burns dummy: -13."),
        ],
    ),
    Step(
        "an entry of a table that the players have added to",
        edits=[("config.py", '    "wolf": 8,\n', '    "wolf": 20,\n')],
        before=[
            ("ann", "bounty dragon 5", "Now 5 gold on dragon."),
            ("ben", "bounty", "rat 3, wolf 8, dragon 5"),
        ],
        after=[("ben", "bounty", "rat 3, wolf 20, dragon 5")],
    ),
    Step(
        "a syntax error: refused, the game goes on",
        edits=[("skills.py", "9 + 2 * caster.level)", "(12 + 2 * caster.level)")],
        before=[("ann", "cast fireball dummy", "ann burns dummy: -13.")],
        after=[("ann", "cast fireball dummy", "ann burns dummy: -13.")],
        outcome="rejected",
    ),
    Step(
        "its repair",
        edits=[("skills.py", "(12 + 2 * caster.level)", "12 + 2 * caster.level)")],
        after=[("ann", "cast fireball dummy", "ann burns dummy: -16.")],
    ),
    Step(
        "a new module, and a from import of it",
        adds={"weather.py": '"""The sky above a room."""\n\nfrom world import Room\n\n\ndef sky(room: Room) -> str:\n'
                            '    return "Water drips." if "up" in room.exits else "The sun burns."\n'},
        edits=[
            ("commands.py", "from skills import SKILLS\n", "from skills import SKILLS\nfrom weather import sky\n"),
            ("commands.py", "    return player.room.describe(player)\n", '    return f"{player.room.describe(player)}\\n{sky(player.room)}"\n'),
        ],
        before=[("ben", "look", "Exits: south, down")],
        after=[("ben", "look", "The sun burns.")],
    ),
    Step(
        "undo: the text before that again",
        undoes="a new module, and a from import of it",
        before=[("ben", "look", "The sun burns.")],
        after=[("ben", "look", "Exits: south, down")],
    ),
    Step(
        "slots and one more base for the players who are in",
        edits=[
            ("entities.py", '    regeneration = 1\n', '    __slots__ = ("name", "max_hp", "hp", "armour", "blows", "room")\n    regeneration = 1\n'),
            ("entities.py", "class Player(Entity):\n",
             'class Slim:\n    __slots__ = ()\n\n    @property\n    def build(self) -> str:\n        return "broad" if hasattr(self, "__dict__") else "slim"\n\n\n'
             'class Player(Slim, Entity):\n    __slots__ = ("send", "max_mana", "mana", "xp", "gold", "weapon", "felled")\n'),
            ("entities.py", "class Monster(Entity):\n", 'class Monster(Slim, Entity):\n    __slots__ = ("kind", "rest")\n\n'),
            ("commands.py", "{player.felled} felled\"", "{player.felled} felled, {player.build}\""),
        ],
        before=[("ben", "score", "ben 40/40 level 5, 80 xp (20 to go), 21 gold, 1 felled")],
        after=[("ben", "score", "ben 40/40 level 5, 80 xp (20 to go), 21 gold, 1 felled, slim")],
    ),
    Step(
        "under a timer that runs: what a tick does, and how often",
        edits=[
            ("config.py", "TICK_SECONDS = 2.0 ", "TICK_SECONDS = 0.1 "),
            ("entities.py", "self.mana + 1)\n", 'self.mana + 1)\n        self.send("Time passes.")\n'),
        ],
        after=[
            ("ben", "(waits)", "* Time passes."),
            ("ben", "(waits)", "* Time passes."),
        ],
    ),
    Step(
        "the body of the world's loop, which goes on in it",
        edits=[
            ("timers.py", "from config import TICK_SECONDS\n", "from chat import all_hear\nfrom config import TICK_SECONDS\n"),
            ("timers.py", "            world.tick()\n", '            world.tick()\n            all_hear("The sand runs.")\n'),
        ],
        after=[("ben", "(waits)", "* The sand runs."), ("ann", "(waits)", "* The sand runs.")],
    ),
    Step(
        "the loop that each player's connection waits in",
        edits=[("session.py", 'await self.answer(line) if line else "")', 'await self.answer(line) if line else "Yes?")')],
        before=[("ann", "", "")],
        after=[("ann", "", "Yes?"), ("ben", "", "Yes?")],
    ),
    Step(
        "the scores at the end: a comment only, nothing runs",
        edits=[("commands.py", '@command("score", "sc")', '# what the players ask most\n@command("score", "sc")')],
        after=[
            ("ann", "score", "ann 40/40 level 2, 20 xp (20 to go), 4 gold, 0 felled, slim"),
            ("ben", "score", "ben 40/40 level 5, 80 xp (20 to go), 21 gold, 1 felled, slim"),
        ],
    ),
]
