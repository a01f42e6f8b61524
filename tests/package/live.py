"""What the tests of live processes share: a run-time folder of their own, a program that is reached, the command."""

import contextlib
import fcntl
import json
import os
import socket
import termios

from helpers import MIDFLIGHT, Program, environment, finish, wait_for, write

APP = """
    import sys
    import lib
    print("ready", flush=True)
    for line in sys.stdin:
        print(eval(line), flush=True)
    """
LIB = "def answer():\n    return 1\n"


class Live:
    """A project and its run-time folder."""

    def __init__(self, folder):
        self.folder = folder
        self.run_time = folder / "run"
        self.run_time.mkdir(mode=0o700)
        self.env = {"XDG_RUNTIME_DIR": str(self.run_time)}
        write(folder, {"pyproject.toml": "", "app.py": APP, "lib.py": LIB})

    def program(self, *command, **env):
        return Program([*(command or (*MIDFLIGHT, "run", "--no-watch", "app.py"))], self.folder, **self.env, **env)

    def command(self, *arguments, stdin="", **env):
        """(exit code, stdout, stderr)"""
        return finish([*MIDFLIGHT, *map(str, arguments)], self.folder, stdin, **self.env, **env)

    def json(self, *arguments, code=0):
        got, out, err = self.command(*arguments, "--json")
        assert got == code, (got, out, err)
        return json.loads(out)

    def sockets(self):
        folder = self.run_time / "midflight"
        return sorted(os.listdir(folder)) if folder.exists() else []

    def path(self, pid):
        return str(self.run_time / "midflight" / f"{pid}.sock")


def ask(program, text):
    program.process.stdin.write(text + "\n")
    program.process.stdin.flush()
    return program.line()


class Raw:
    """A socket's other end, as anybody could write it."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, data):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def line(self):
        """The next message; None at the end."""
        try:
            line = self.file.readline()
        except ConnectionResetError:
            return None
        return json.loads(line) if line else None

    def call(self, method, **params):
        self.ask(method, **params)
        return self.answer()

    def ask(self, method, **params):
        self.send(json.dumps({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).encode() + b"\n")

    def is_read(self):
        """Has the other end taken all that was sent?"""
        return fcntl.ioctl(self.socket, termios.TIOCOUTQ, bytes(4)) == bytes(4)

    def answer(self):
        """What is no event, as the errors of the engine, which name no id."""
        while (message := self.line()) is not None and ("method" in message or message.get("id") not in (7, None)):
            pass
        return message


def gone(pid):
    def question():
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return False
    wait_for(question)


__all__ = ["APP", "LIB", "Live", "Raw", "ask", "environment", "gone"]


def raw(live, program):
    """The other end of a program's socket."""
    return Raw(live.path(program.process.pid))
