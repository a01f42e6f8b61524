"""One connection. The protocol is lines of text: the player's name first, then commands. A reply is any number
of lines and one line with a single dot; a line that starts with "* " comes by itself, between replies only."""

import asyncio
import contextlib
import inspect
import logging

import commands
from chat import all_hear
from config import GREETING
from entities import Player
from world import world

log = logging.getLogger(__name__)
sessions: set["Session"] = set()


class Session:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.reader = reader
        self.writer = writer
        self.player: Player | None = None
        self.task = asyncio.current_task()

    def send(self, text: str) -> None:
        """A line that the player did not ask for."""
        self.writer.write(f"* {text}\n".encode())

    def reply(self, text: str) -> None:
        self.writer.write(f"{text}\n.\n".encode())

    async def line(self) -> str | None:
        data = await self.reader.readline()
        return data.decode(errors="replace").strip() if data else None

    async def run(self) -> None:
        sessions.add(self)
        try:
            if await self.login():
                await self.play()
        except (ConnectionError, ValueError):
            log.info("connection lost")
        finally:
            sessions.discard(self)
            self.logout()
            self.writer.close()

    async def login(self) -> bool:
        self.reply(GREETING)
        while (name := await self.line()) is not None:
            if not name.isalpha():
                self.reply("Letters only, please.")
            elif name in world.players:
                self.reply("That one is here already.")
            else:
                self.player = Player(name, self.send)
                world.enter(self.player)
                all_hear(f"{name} enters the arena.", but=self.player)
                self.reply(f"Hello, {name}.")
                return True
        return False

    def logout(self) -> None:
        if self.player is not None:
            world.leave(self.player)
            all_hear(f"{self.player.name} leaves.")

    async def play(self) -> None:
        while (line := await self.line()) is not None:
            if line in ("quit", "q"):
                self.reply("Goodbye.")
                return
            self.reply(await self.answer(line) if line else "")
            await self.writer.drain()

    async def answer(self, line: str) -> str:
        try:
            result = commands.run(self.player, line)
            return await result if inspect.isawaitable(result) else result
        except commands.Refusal as refusal:
            return str(refusal)
        except Exception:
            log.exception("%s: %s", self.player.name, line)
            return "Something went wrong. The arena's master has been told."


async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.CancelledError):       # close_all() ends us so
        await Session(reader, writer).run()


async def close_all() -> None:
    tasks = [session.task for session in sessions]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks)
