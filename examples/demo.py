"""A tour without hands: start a copy of the arena under midflight, play, edit its files, and show what the players see.

    python examples/demo.py          (`make demo` builds midflight first)

Exits with 0 only if every edit went live as it should, and no player lost a connection or anything they own.
"""

import json
import os
import pathlib
import queue
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field

from demo_steps import STEPS, Step

ARENA = pathlib.Path(__file__).resolve().parent / "arena"
PATIENCE = 20.0                 # seconds until a missing answer counts as a failure


class Failure(Exception):
    """The demo cannot go on."""


class Server:
    """The arena in a process of its own, started from a copy of its files, and midflight's reports on it."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.reports: queue.Queue[dict] = queue.Queue()
        self.log: list[str] = []
        command = [sys.executable, "-m", "midflight", "run", "--json", "server.py", "--port", "0"]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        environment.pop("MIDFLIGHT_DISABLE", None)
        self.process = subprocess.Popen(command, cwd=folder, env=environment, text=True, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        for line in self.process.stderr:
            try:
                event = json.loads(line)
            except ValueError:
                self.log.append(line.rstrip())
                continue
            if isinstance(event, dict):
                self.reports.put(event)
        self.reports.put({"outcome": "gone"})

    def port(self) -> int:
        """Wait until the arena listens."""
        for line in self.process.stdout:
            if found := re.search(r"listening on \S+:(\d+)", line):
                return int(found[1])
        self.reader.join(PATIENCE)
        raise Failure("the arena does not start")

    def write(self, texts: dict[str, str]) -> None:
        """Save files as editors do: written aside, then renamed, so that nobody reads half a file."""
        for name, text in texts.items():
            aside = self.folder / f".{name}.new"
            aside.write_text(text, encoding="utf-8")
            aside.replace(self.folder / name)

    def update(self, texts: dict[str, str]) -> dict:
        """Save the files and wait for midflight's word on all those that were there before."""
        waiting = {str(self.folder / name) for name in texts if (self.folder / name).exists()}
        while not self.reports.empty():         # late words on what went before
            self._heard(self.reports.get())
        self.write(texts)
        while True:
            try:
                report = self._heard(self.reports.get(timeout=PATIENCE))
            except queue.Empty:
                raise Failure(f"midflight says nothing of {', '.join(texts)} for {PATIENCE:.0f} s") from None
            outcome, files = report.get("outcome"), report.get("files", ())
            if outcome in ("rejected", "rolled back") and waiting.intersection(files):
                return report
            if outcome == "committed":
                waiting.difference_update(files)
                if not waiting:
                    return report

    def _heard(self, event: dict) -> dict:
        if event.get("outcome") == "gone":
            raise Failure("the arena died")
        if event.get("event") == "started" and event.get("reason"):
            raise Failure(f"updates are off: {event['reason']}")
        return event

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        self.reader.join(PATIENCE)
        self.process.stdout.close()
        self.process.stderr.close()


class Player:
    """One player's connection: asks, reads the reply, keeps what arrives unasked."""

    def __init__(self, name: str, port: int):
        self.name = name
        self.heard: list[str] = []
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.lines = self.socket.makefile("r", encoding="utf-8", newline="\n")
        self._reply()
        self.ask(name)

    def _line(self) -> str:
        try:
            line = self.lines.readline()
        except OSError as error:
            raise Failure(f"{self.name} gets no answer: {error}") from error
        if not line:
            raise Failure(f"{self.name} lost the connection")
        return line.rstrip("\n")

    def _reply(self) -> list[str]:
        reply = []
        while (line := self._line()) != ".":
            (self.heard if line.startswith("* ") else reply).append(line)
        return reply

    def ask(self, line: str) -> str:
        """The reply's last line: of a long reply, the one that the tour shows."""
        try:
            self.socket.sendall(f"{line}\n".encode())
        except OSError as error:
            raise Failure(f"{self.name} lost the connection: {error}") from error
        return (self._reply() or [""])[-1]

    def hears(self, text: str) -> str:
        """Wait for a line that comes unasked."""
        self.heard.clear()
        while (line := self._line()) != text:
            pass
        return line

    def owns(self) -> tuple[str, ...]:
        """Experience and gold: what must survive any edit."""
        found = re.search(r"(\d+) xp .*?(\d+) gold", self.ask("score"))
        if found is None:
            raise Failure(f"{self.name} has no score")
        return found.groups()

    def close(self) -> None:
        self.lines.close()
        self.socket.close()


@dataclass
class Tour:
    server: Server
    players: dict[str, Player]
    problems: list[str] = field(default_factory=list)
    totals: list[float] = field(default_factory=list)
    earlier: dict[str, dict[str, str]] = field(default_factory=dict)

    def texts(self, step: Step) -> dict[str, str]:
        """The files as they are after the step's edits."""
        if step.undoes:
            return self.earlier[step.undoes]
        texts = dict(step.adds)
        for name, old, new in step.edits:
            text = texts.get(name) or (self.server.folder / name).read_text(encoding="utf-8")
            if text.count(old) != 1:
                raise Failure(f"step {step.title!r}: {name} does not hold {old!r} once")
            texts[name] = text.replace(old, new)
        return texts

    def probe(self, name: str, line: str, expected: str) -> str:
        """Ask and judge; the answer as the tour prints it."""
        player = self.players[name]
        answer = player.hears(expected) if line == "(waits)" else player.ask(line)
        if expected == answer:
            return answer
        self.problems.append(f"{name}> {line}: {answer!r} instead of {expected!r}")
        return f"{answer}   <-- expected: {expected}"

    def take(self, number: int, step: Step) -> None:
        texts = self.texts(step)
        there = [name for name in texts if (self.server.folder / name).exists()]
        self.earlier[step.title] = {name: (self.server.folder / name).read_text(encoding="utf-8") for name in there}
        print(f"{number:2}  {step.title:<58} {', '.join(texts)}")
        for name, line, expected in step.before:
            print(f"      before  {name}> {line:<22} {self.probe(name, line, expected)}")
        owned = {name: player.owns() for name, player in self.players.items()}
        self.calm()
        report = self.server.update(texts)
        if self.server.process.poll() is not None:
            raise Failure("the arena died")
        for name, player in self.players.items():
            if player.owns() != owned[name]:
                self.problems.append(f"{step.title}: {name} lost something")
        self.judge(step, report)
        for name, line, expected in step.after:
            print(f"      after   {name}> {line:<22} {self.probe(name, line, expected)}")
        print()

    def calm(self) -> None:
        """Somebody else connects and is greeted: by then the game has come back from its last answer, and waits for the players
        again. A loop that is in the middle of a turn would finish it, and the next ones, in its old code."""
        address = next(iter(self.players.values())).socket.getpeername()
        with socket.create_connection(address, PATIENCE) as visitor, visitor.makefile("r", encoding="utf-8") as lines:
            lines.readline()

    def judge(self, step: Step, report: dict) -> None:
        timings, outcome = report.get("timings") or {}, report["outcome"]
        note = f"update #{report.get('number')} {outcome}"
        if "total" in timings:
            note += f" in {timings['total']:.2f} ms"
        if outcome == "committed":
            self.totals.append(timings.get("total", 0.0))
            note += f", program stopped for {report.get('pause_ms', 0.0):.3f} ms"
        for reason in report.get("reasons") or []:
            note += f"\n              {pathlib.Path(reason.get('file') or '').name}:{reason.get('line')}: {reason.get('text')}"
        print(f"      {'live' if outcome == 'committed' else 'kept':<6}  {note}")
        if outcome != step.outcome:
            self.problems.append(f"{step.title}: {outcome} instead of {step.outcome}")

    def run(self) -> None:
        for number, step in enumerate(STEPS, 1):
            self.take(number, step)
        live = len(self.totals)
        print(f"{len(STEPS)} edits: {live} live, {len(STEPS) - live} refused because it was broken; one process, "
              f"{len(self.players)} players, no reconnect.")
        if self.totals:
            print(f"Time of an update: median {statistics.median(self.totals):.2f} ms, longest {max(self.totals):.2f} ms.")


def main() -> int:
    problems: list[str] = []
    server = None
    with tempfile.TemporaryDirectory(prefix="arena-") as temporary:
        folder = pathlib.Path(temporary).resolve()
        shutil.copytree(ARENA, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "client.py"))
        players: dict[str, Player] = {}
        try:
            print("Two players enter a game server that runs under midflight. Then its files are edited, and nothing restarts.\n")
            server = Server(folder)
            port = server.port()
            for name in ("ann", "ben"):
                players[name] = Player(name, port)
            Tour(server, players, problems).run()
        except Failure as failure:
            problems.append(str(failure))
        finally:
            for player in players.values():
                player.close()
            if server is not None:
                server.stop()
    if server is not None and server.process.returncode:
        problems.append(f"the arena ended with exit status {server.process.returncode}")
    if problems:
        print("\nThe demo failed:", *problems, sep="\n  ")
        if server is not None and server.log:
            print("\nThe arena said:", *server.log[-30:], sep="\n  ")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
