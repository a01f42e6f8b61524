"""Who fights: a base class, players and monsters."""

from collections.abc import Callable

from config import MONSTERS, RESPAWN_TICKS, WEAPONS, XP_PER_LEVEL


class Entity:
    """Anything with hit points that stands in a room."""

    regeneration = 1

    def __init__(self, name: str, max_hp: int, armour: int = 0):
        self.name = name
        self.max_hp = max_hp
        self.hp = max_hp
        self.armour = armour
        self.blows = 0
        self.room = None

    def __repr__(self):
        return f"<{type(self).__name__} {self.name} {self.hp}/{self.max_hp}>"

    @property
    def alive(self) -> bool:
        return self.hp > 0

    @property
    def power(self) -> int:
        raise TypeError(f"{type(self).__name__} has no power")

    def describe(self) -> str:
        return f"{self.name} {self.hp}/{self.max_hp}"

    def hurt(self, points: int) -> None:
        self.hp = max(0, self.hp - points)

    def tick(self) -> None:
        if self.alive:
            self.hp = min(self.max_hp, self.hp + self.regeneration)


class Player(Entity):
    regeneration = 2

    def __init__(self, name: str, send: Callable[[str], None]):
        super().__init__(name, max_hp=40)
        self.send = send
        self.max_mana = 30
        self.mana = self.max_mana
        self.xp = 0
        self.gold = 10
        self.weapon = "fists"

    @property
    def level(self) -> int:
        return 1 + self.xp // XP_PER_LEVEL

    @property
    def power(self) -> int:
        return WEAPONS[self.weapon] + self.level

    def describe(self) -> str:
        return f"{super().describe()} level {self.level}"

    def tick(self) -> None:
        super().tick()
        self.mana = min(self.max_mana, self.mana + 1)

    def revive(self) -> None:
        self.hp = self.max_hp
        self.mana = self.max_mana


class Monster(Entity):
    def __init__(self, kind: str):
        stats = MONSTERS[kind]
        super().__init__(kind, stats["hp"], stats["armour"])
        self.kind = kind
        self.rest = 0

    @property
    def power(self) -> int:
        return MONSTERS[self.kind]["attack"]

    @property
    def xp(self) -> int:
        return MONSTERS[self.kind]["xp"]

    def describe(self) -> str:
        return super().describe() if self.alive else f"{self.name} (fallen)"

    def tick(self) -> None:
        super().tick()
        if self.alive:
            return
        self.rest += 1
        if self.rest >= RESPAWN_TICKS:
            self.rest = 0
            self.hp = self.max_hp
