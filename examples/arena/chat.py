"""Who hears what. Lines that a player did not ask for arrive through `Player.send`."""

from collections import deque

from entities import Player
from world import Room, world

history: deque[str] = deque(maxlen=20)


def tell(player: Player, text: str) -> None:
    player.send(text)


def room_hears(room: Room, text: str, but: Player | None = None) -> None:
    for player in room.players:
        if player is not but:
            tell(player, text)


def all_hear(text: str, but: Player | None = None) -> None:
    history.append(text)
    for player in world.players.values():
        if player is not but:
            tell(player, text)
