"""The arena, a small game server: python server.py [--port N]"""

import argparse
import asyncio
import logging
import signal

import config
from chat import all_hear
from session import close_all, connected
from timers import ticker


async def serve(host: str, port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    timer = asyncio.create_task(ticker())
    server = await asyncio.start_server(connected, host, port)
    print(f"arena: listening on {host}:{server.sockets[0].getsockname()[1]}", flush=True)
    await stop.wait()
    all_hear("The arena closes.")
    server.close()
    timer.cancel()
    await close_all()
    await server.wait_closed()
    print("arena: closed", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="A small game server.")
    parser.add_argument("--host", default=config.HOST)
    parser.add_argument("--port", type=int, default=config.PORT, help="0 picks a free one")
    parser.add_argument("-v", "--verbose", action="store_true")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.DEBUG if arguments.verbose else logging.WARNING)
    try:
        asyncio.run(serve(arguments.host, arguments.port))
    except OSError as error:
        raise SystemExit(f"arena: {error.strerror or error}") from error


if __name__ == "__main__":
    main()
