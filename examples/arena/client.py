"""Play the arena by hand: python client.py [--host H] [--port N]"""

import argparse
import contextlib
import socket
import threading

import config

with contextlib.suppress(ImportError):
    import readline  # noqa: F401  line editing for input()


def show(lines, done: threading.Event) -> None:
    """Print what the server sends until it closes."""
    with contextlib.suppress(OSError):
        for line in lines:
            line = line.rstrip("\n")
            if line == ".":
                print("> ", end="", flush=True)
            elif line.startswith("* "):
                print(f"\r{line}\n> ", end="", flush=True)
            else:
                print(line, flush=True)
    done.set()
    print("\n(connection closed; press Enter)", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Play the arena.")
    parser.add_argument("--host", default=config.HOST)
    parser.add_argument("--port", type=int, default=config.PORT)
    arguments = parser.parse_args()
    try:
        connection = socket.create_connection((arguments.host, arguments.port))
    except OSError as error:
        raise SystemExit(f"No arena at {arguments.host}:{arguments.port}: {error}") from error
    done = threading.Event()
    with connection:
        lines = connection.makefile("r", encoding="utf-8", newline="\n")
        threading.Thread(target=show, args=(lines, done), daemon=True).start()
        with contextlib.suppress(EOFError, KeyboardInterrupt, OSError):
            while not done.is_set():
                connection.sendall(f"{input()}\n".encode())
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
        done.wait(2)


if __name__ == "__main__":
    main()
