"""Numbers and tables of the game. The other modules import from here; nothing is imported back."""

HOST = "127.0.0.1"
PORT = 4000
GREETING = "Welcome to the arena. Who are you?"

TICK_SECONDS = 2.0          # hit points and mana come back at each tick
RESPAWN_TICKS = 5           # ticks until a fallen monster stands again

XP_PER_LEVEL = 50
CRIT_EVERY = 5              # each n-th blow of a fighter ...
CRIT_FACTOR = 2             # ... counts this many times
START_ROOM = "gate"

WEAPONS = {
    "fists": 2,
    "sword": 5,
    "axe": 7,
}

# Gold for whoever fells one. Players add to this table with the command `bounty`.
BOUNTIES = {
    "rat": 3,
    "wolf": 8,
}

MONSTERS = {
    "dummy": {"hp": 9999, "attack": 0, "armour": 1, "xp": 0},
    "rat": {"hp": 8, "attack": 1, "armour": 0, "xp": 20},
    "wolf": {"hp": 25, "attack": 4, "armour": 1, "xp": 60},
    "ogre": {"hp": 60, "attack": 9, "armour": 3, "xp": 200},
}

ROOMS = {
    "gate": {
        "title": "The gate",
        "text": "Sand, torches, and a straw man for practice.",
        "exits": {"north": "pit", "east": "smithy"},
        "monsters": ["dummy", "rat"],
    },
    "pit": {
        "title": "The pit",
        "text": "Something growls.",
        "exits": {"south": "gate", "down": "cave"},
        "monsters": ["wolf", "rat"],
    },
    "cave": {
        "title": "The cave",
        "text": "It is dark, and it smells of ogre.",
        "exits": {"up": "pit"},
        "monsters": ["ogre"],
    },
    "smithy": {
        "title": "The smithy",
        "text": "Swords and axes hang on the wall. Take one.",
        "exits": {"west": "gate"},
        "monsters": [],
    },
}
