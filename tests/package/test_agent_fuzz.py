"""The agent's socket under fire: garbage, halves, floods, slow ones. The program goes on, and so does who asks properly.

A few seconds; with MIDFLIGHT_TEST_ALL=1 ten minutes. A failure names the seed.
"""

import contextlib
import json
import os
import random
import socket
import time

import pytest
from helpers import MIDFLIGHT, wait_for, write
from live import Raw, ask

SECONDS = ("seconds=all", 600) if os.environ.get("MIDFLIGHT_TEST_ALL") == "1" else ("seconds=5", 5)
METHODS = ("hello", "status", "plan", "update", "hotfix", "undo", "history", "confirm", "doctor", "listen", "inherit", "where", "nix", "")
VALUES = (None, True, 0, -1, 1e308, 10**30, "", "x" * 300, "\0", "\ud800", [], [[]], {}, {"a": 1}, "lib.py", "/dev/null", ["/dev/zero"],
          "def f(:\n", "--- a\n+++ b\n@@ -1 +1 @@\n", '{"lib": 5}', "import lib\nlib.answer = 5\n")
NAMES = ("paths", "sources", "dry_run", "expect", "epoch", "text", "release", "id", "permanent", "to", "count", "modules", "within_ms", "no")


def call(chance):
    params = {chance.choice(NAMES): chance.choice(VALUES) for _ in range(chance.randrange(4))}
    if "dry_run" not in params:
        params["dry_run"] = True
    message = {"jsonrpc": chance.choice(("2.0", "2.0", "2.0", 2, None)), "id": chance.choice(VALUES), "method": chance.choice(METHODS),
               "params": chance.choice((params, params, params, [], 5))}
    if chance.random() < 0.2:
        del message[chance.choice(list(message))]
    return json.dumps(message).encode()


def deep(chance):
    return b"[" * chance.randrange(1, 200_000)


def data(chance):
    kind = chance.randrange(8)
    if kind == 0:
        return chance.randbytes(chance.randrange(1, 3000))
    if kind == 1:
        return deep(chance) + b"\n"
    if kind == 2:
        return b"{" + chance.randbytes(chance.randrange(200)).replace(b"\n", b"") + b"\n"
    if kind == 3:
        return b"[" + b",".join(call(chance) for _ in range(chance.randrange(70))) + b"]\n"
    line = bytearray(call(chance))
    for _ in range(chance.randrange(3) if kind == 4 else 0):
        line[chance.randrange(len(line))] = chance.randrange(256)
    return bytes(line) + (b"\n" if chance.random() < 0.9 else b"")


def attack(path, chance):
    """One connection; how it goes on is its business."""
    end = socket.socket(socket.AF_UNIX)
    end.settimeout(1 if chance.random() < 0.01 else 0.01)      # to wait for answers is not its business
    with contextlib.closing(end), contextlib.suppress(OSError):
        end.connect(path)
        for _ in range(chance.randrange(1, 8)):
            piece = data(chance)
            if chance.random() < 0.2:
                cut = chance.randrange(len(piece) + 1)
                end.sendall(piece[:cut])
                if chance.random() < 0.5:
                    return
                piece = piece[cut:]
            end.sendall(piece)
            if chance.random() < 0.5:
                end.recv(1 << 16)
        if chance.random() < 0.3:
            end.shutdown(socket.SHUT_WR)
            while end.recv(1 << 16):
                pass


def memory(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


@pytest.mark.parametrize("seconds", [SECONDS[1]], ids=[SECONDS[0]])
def test_the_socket_is_fuzzed(live, seconds):
    seed = int(os.environ.get("MIDFLIGHT_FUZZ_SEED", time.time_ns() % 10**9))
    chance = random.Random(seed)
    command = [*MIDFLIGHT, "run", "--no-watch", "-q", "app.py"]
    with live.program(*command) as program:
        program._limit.cancel()
        program.lines_until("ready")
        pid, path = program.process.pid, live.path(program.process.pid)
        end, rounds, peak = time.monotonic() + seconds, 0, 0
        while time.monotonic() < end:
            attack(path, chance)
            rounds += 1
            if rounds % 10 == 0:
                assert program.process.poll() is None, f"seed {seed}: {program.errors()[-2000:]}"
                with Raw(path) as other:
                    assert other.line()["method"] == "hello", seed
                    answer = other.call("status")
                    assert answer.get("result", {}).get("pid") == pid, (seed, rounds, answer)
                peak = max(peak, memory(pid))
        assert rounds > 20 and peak < 400_000, (seed, rounds, peak)
        assert ask(program, "lib.answer()") == "1", seed
        write(live.folder, {"lib.py": "def answer():\n    return 2\n"})
        assert live.json("update", pid)["outcome"] == "committed", seed
        assert ask(program, "lib.answer()") == "2", seed
        wait_for(lambda: len(os.listdir(f"/proc/{pid}/fd")) < 20)
        assert program.end()[0] == 0, seed


def test_slow_ones_are_cut_off_and_keep_nobody_waiting(live):
    with live.program() as program:
        program.lines_until("ready")
        path = live.path(program.process.pid)
        slow = [Raw(path) for _ in range(5)]
        for end in slow:
            end.line()
            end.send(b'{"jsonrpc": "2.0", "id": 1')
        with Raw(path) as other:
            other.line()
            assert other.call("hello")["result"]["pid"] == program.process.pid
        for end in slow:
            assert "did not end in time" in end.line()["error"]["message"]
            assert end.line() is None
            end.__exit__()


def test_one_that_reads_nothing_is_cut_off(live):
    """Its answers are kept for a while, within bounds; then it is let go."""
    with live.program() as program:
        program.lines_until("ready")
        path, pid = live.path(program.process.pid), program.process.pid
        end = socket.socket(socket.AF_UNIX)
        end.connect(path)
        end.settimeout(0.2)
        line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "nix" * 20_000}).encode() + b"\n"
        with contextlib.suppress(OSError):
            for _ in range(2000):
                end.send(line)
        wait_for(lambda: len(os.listdir(f"/proc/{pid}/fd")) <= 12, 40)
        end.close()
        with Raw(path) as other:
            other.line()
            assert other.call("hello")["result"]["pid"] == pid
        assert memory(pid) < 300_000
