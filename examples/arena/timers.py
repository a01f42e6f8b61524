"""Periodic work."""

import asyncio
import logging

from config import TICK_SECONDS
from world import world

log = logging.getLogger(__name__)


async def ticker() -> None:
    """Let the world tick, whatever a single tick does."""
    while True:
        await asyncio.sleep(TICK_SECONDS)
        try:
            world.tick()
        except Exception:
            log.exception("a tick failed")
