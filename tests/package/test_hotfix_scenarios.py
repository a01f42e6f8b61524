"""The faults that production sees, mended in running servers under load: no request fails, every copy is fixed, and nothing is left.

Two web frameworks and the arena; the clients are threads that ask through sockets all the while, each answer is looked at.
"""

import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import threading

import pytest
from helpers import environment, write
from hotfix_shop import SCENARIOS, SHOP

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WEB = ["flask_app"] + (["fastapi_app"] if sys.version_info < (3, 15) else [])
CLIENTS = 3


class Server:
    """A program that answers {"port"} and then one line for each of ours."""

    def __init__(self, folder, *command):
        self.process = subprocess.Popen([sys.executable, "-X", "faulthandler", *command], cwd=folder, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, env=environment())
        self.port = self.read()["port"]

    def read(self):
        line = self.process.stdout.readline()
        assert line, f"the server has ended: {self.process.wait(30)}"
        return json.loads(line)

    def ask(self, word, given=None):
        self.process.stdin.write(json.dumps([word, given]) + "\n")
        self.process.stdin.flush()
        return self.read()

    def close(self):
        self.process.stdin.close()
        self.process.terminate()
        self.process.wait(30)


class Load:
    """Clients that ask until they are told to stop; every answer that is not one of those allowed is a failure."""

    def __init__(self, client):
        self.client, self.allowed, self.done = client, {}, threading.Event()
        self.count, self.failures = 0, []
        self.threads = [threading.Thread(target=self.run, args=(number,)) for number in range(CLIENTS)]

    def run(self, number):
        try:
            with self.client(number) as ask:
                while not self.done.is_set():
                    for path, answers in list(self.allowed.items()):
                        answer = ask(path)
                        self.count += 1
                        if answers and not any(one in answer for one in answers):
                            self.failures.append((path, answer, answers))
        except Exception as error:
            self.failures.append(repr(error))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        for thread in self.threads:
            thread.join(60)

    def more(self, number=30):
        """So many more answers have come, whatever they are."""
        until = self.count + number
        while self.count < until and not self.failures:
            self.done.wait(0.005)
        assert not self.failures, self.failures[:3]


@contextlib.contextmanager
def web_client(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(path):
        connection.request("GET", "/" + path)
        response = connection.getresponse()
        text = response.read().decode()
        return text if response.status == 200 else f"{response.status} {text}"

    while True:
        try:
            connection.connect()
            break
        except ConnectionRefusedError:
            continue
    try:
        yield ask
    finally:
        connection.close()


@contextlib.contextmanager
def arena_client(port, number):
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        lines = connection.makefile("rw", encoding="utf-8", newline="\n")

        def ask(line=None):
            if line is not None:
                lines.write(line + "\n")
                lines.flush()
            reply = []
            while (got := lines.readline()) != ".\n":
                assert got, "the connection is closed"
                if not got.startswith("* "):
                    reply.append(got)
            return "".join(reply)

        ask()
        ask("client" + "abcdefgh"[number])
        yield ask


def play(server, client, scenarios, exact):
    """Every scenario under the load of its own question: fault, fix, and without a trace back."""
    with client(99) as ask, Load(client) as load:
        for name, (path, old, new, hotfix) in scenarios.items():
            same = (lambda answer, wanted: answer == wanted) if exact else (lambda answer, wanted: wanted in answer)
            load.allowed[path] = (old, new) if exact else ()
            load.more()
            assert same(ask(path), old), (name, ask(path))
            report = server.ask("hotfix", ["hf-" + name.replace(" ", "-").replace("'", ""), hotfix])
            assert report["outcome"] == "committed", (name, report["text"])
            assert same(ask(path), new), (name, ask(path), report["text"])
            load.more()
            assert same(ask(path), new), (name, ask(path))
            report = server.ask("undo")
            assert report["outcome"] == "committed" and report["trace"] == [], (name, report)
            assert same(ask(path), old), (name, ask(path))
            load.more()
            del load.allowed[path]
        load.done.set()
    assert not load.failures and load.count > 60 * len(scenarios), (load.count, load.failures[:3])


@pytest.mark.parametrize("app", WEB)
def test_a_web_server_under_load(tmp_path, app):
    write(tmp_path, SHOP)
    server = Server(tmp_path, "main.py", app)
    try:
        play(server, lambda number: web_client(server.port), SCENARIOS, exact=True)
    finally:
        server.close()


ARENA = {
    "wrong damage": ("attack dummy", "hits dummy for 2.", "hits dummy for 99.", """
import combat
def damage(attacker, target):
    return 99
combat.damage = damage
"""),
    "weapon table": ("attack dummy", "hits dummy for 2.", "hits dummy for 42.", "import config\nconfig.WEAPONS['fists'] = 42\n"),
    "command in a registry": ("score", "gold", "coins", """
import commands
theirs = commands.score
def score(player, words):
    return theirs(player, words).replace("gold", "coins")
commands.score = score
"""),
    "paid command behind a decorator": ("shout hey", "You shout: hey", "You whisper: hey", """
import commands
def shout(player, words):
    return "You whisper: " + " ".join(words)
commands.shout = shout
"""),
    "missing index check": ("cast", "You do not know that one.", "Cast what?", """
import commands
theirs = commands.cast
def cast(player, words):
    if not words:
        return "Cast what?"
    return theirs(player, words)
commands.cast = cast
"""),
    "method of a base class": ("score", "/40 level", "/40 hp level", """
import entities
def describe(self):
    return f"{self.name} {self.hp}/{self.max_hp} hp"
entities.Entity.describe = describe
"""),
}

MAIN = """
import asyncio, json, sys, threading, os, traceback
import midflight
midflight.start(roots=[os.getcwd()], exclude=["main.py"])
import chat, combat, commands, config, entities, session, skills, timers, world
config.MONSTERS["dummy"]["hp"] = 10 ** 9
for room in world.world.rooms.values():
    for entity in room.occupants:
        entity.max_hp = entity.hp = 10 ** 9
config.TICK_SECONDS = timers.TICK_SECONDS = 0.01
combat.CRIT_EVERY = 10 ** 9

def trace():
    out = {}
    for module in (chat, combat, commands, config, entities, session, skills, timers, world):
        out[module.__name__] = {name: id(value) for name, value in vars(module).items()}
        for value in list(vars(module).values()):
            if isinstance(value, type) and value.__module__ == module.__name__:
                out[value.__qualname__] = {name: id(part) for name, part in vars(value).items()}
    out["data"] = repr((config.WEAPONS, sorted(commands.COMMANDS)))
    out["modules"] = [name for name in sys.modules if name.startswith("hotfix_")]
    return out

before = None

def answer(word, given):
    global before
    if word == "hotfix":
        before = trace()
        report = midflight.hotfix(given[1], id=given[0])
        return {"outcome": report.outcome, "text": str(report)}
    report = midflight.undo()
    after = trace()
    return {"outcome": report.outcome, "text": str(report), "trace": [name for name in before if before[name] != after[name]]}

async def main():
    timer = asyncio.create_task(timers.ticker())
    server = await asyncio.start_server(session.connected, "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        try:
            told = answer(*json.loads(line))
        except Exception:
            told = {"outcome": "raised", "text": traceback.format_exc()}
        print(json.dumps(told), flush=True)

asyncio.run(main())
"""


def test_the_arena_under_load(tmp_path):
    shutil.copytree(os.path.join(TREE, "examples", "arena"), tmp_path / "arena", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "arena" / "main.py").write_text(MAIN)
    server = Server(tmp_path / "arena", "main.py")
    try:
        play(server, lambda number: arena_client(server.port, number % 8), ARENA, exact=False)
    finally:
        server.close()
