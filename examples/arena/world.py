"""Rooms, and who is in them."""

import logging
from dataclasses import dataclass, field

from config import ROOMS, START_ROOM
from entities import Entity, Monster, Player

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Room:
    key: str
    title: str
    text: str
    exits: dict[str, str]
    occupants: list[Entity] = field(default_factory=list)

    def add(self, entity: Entity) -> None:
        if entity.room is not None:
            entity.room.occupants.remove(entity)
        self.occupants.append(entity)
        entity.room = self

    @property
    def players(self) -> list[Player]:
        return [entity for entity in self.occupants if isinstance(entity, Player)]

    def find(self, name: str) -> Entity | None:
        """The one meant by `name` or its beginning; a living one first."""
        found = [entity for entity in self.occupants if entity.name.startswith(name)]
        return next((entity for entity in found if entity.alive), found[0] if found else None)

    def describe(self, viewer: Player) -> str:
        lines = [self.title, self.text]
        lines += [f"  {entity.describe()}" for entity in self.occupants if entity is not viewer]
        lines.append("Exits: " + ", ".join(self.exits))
        return "\n".join(lines)


class World:
    def __init__(self):
        self.ticks = 0
        self.players: dict[str, Player] = {}
        self.rooms: dict[str, Room] = {}
        for key, row in ROOMS.items():
            self.rooms[key] = Room(key, row["title"], row["text"], row["exits"])
            for kind in row["monsters"]:
                self.rooms[key].add(Monster(kind))

    def enter(self, player: Player) -> None:
        self.players[player.name] = player
        self.rooms[START_ROOM].add(player)

    def leave(self, player: Player) -> None:
        del self.players[player.name]
        player.room.occupants.remove(player)
        player.room = None

    def tick(self) -> None:
        self.ticks += 1
        for room in self.rooms.values():
            for entity in room.occupants:
                entity.tick()
        log.debug("tick %d", self.ticks)


world = World()
