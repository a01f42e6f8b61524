"""What the tests of watch and thread share: a folder with a watch on it.

Run as a script, it prints latencies: python tests/engine/watching.py
"""

import os
import pathlib
import resource
import statistics
import tempfile
import threading
import time

import pytest

from midflight import _testengine as t

SETTLE = 25
POLL = 50
LATE = 600
WAIT = 5000


def names(paths, root):
    return [os.path.relpath(path, root) for path in paths]


def replace(path, text):
    temporary = path.with_name(path.name + ".tmp~")
    temporary.write_text(text)
    start = time.monotonic_ns()
    os.replace(temporary, path)
    return start


def write(path, text):
    with open(path, "w") as file:
        file.write(text)
        file.flush()
        start = time.monotonic_ns()
    return start


class Watched:
    """A folder with a watch on it."""

    def __init__(self, root, *, settle=SETTLE, poll=POLL, force=False, limit=0):
        self.root = root
        self.watch = t.watch_new(settle, poll, force, limit)
        t.watch_add(self.watch, str(root))
        self.wakes = 0

    def wait(self, ms=WAIT):
        paths, self.wakes = t.watch_wait(self.watch, ms)
        return names(paths, self.root)

    def quiet(self, ms=4 * SETTLE):
        return self.wait(ms) == []

    def notes(self):
        return t.watch_notes(self.watch)

    def backend(self):
        return t.watch_backend(self.watch)


@pytest.fixture(params=["events", "polling"])
def watched(request, tmp_path):
    (tmp_path / "a.py").write_text("a = 1\n")
    (tmp_path / "b.py").write_text("b = 1\n")
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").write_text("")
    (tmp_path / "pkg" / "c.py").write_text("c = 1\n")
    return Watched(tmp_path, force=request.param == "polling")


@pytest.fixture
def events(tmp_path):
    (tmp_path / "a.py").write_text("a = 1\n")
    (tmp_path / "b.py").write_text("b = 1\n")
    return Watched(tmp_path)


@pytest.fixture
def patient(tmp_path):
    """Settles so late that a busy machine does not matter."""
    (tmp_path / "a.py").write_text("a = 1\n")
    return Watched(tmp_path, settle=LATE)


class Batches:
    def __init__(self):
        self.all = []
        self.event = threading.Event()

    def __call__(self, paths):
        self.all.append((time.monotonic_ns(), paths))
        self.event.set()

    def next(self, seconds=WAIT / 1000):
        assert self.event.wait(seconds)
        self.event.clear()
        return self.all[-1]


def engine_tid():
    """The newest thread of the engine's name, as soon as it has it."""
    deadline = time.monotonic() + WAIT / 1000
    while time.monotonic() < deadline:
        for tid in sorted(os.listdir("/proc/self/task"), key=int, reverse=True):
            with open(f"/proc/self/task/{tid}/comm") as file:
                if file.read().strip() == "midflight":
                    return tid
    raise AssertionError("no thread of that name")


# ---- latencies, printed ---------------------------------------------------


def measure(label, root, save, rounds=400, spin=False):
    batches = Batches()
    watch = t.watch_new(SETTLE, POLL)
    t.watch_add(watch, str(root))
    t.watch_thread_start(watch, batches)
    times = []
    for i in range(rounds):
        time.sleep(0.002)
        start = save(root / "a.py", f"a = {i}\n")
        if spin:
            while not batches.event.is_set():
                pass
        stop, _ = batches.next()
        times.append((stop - start) / 1000)
    t.watch_thread_stop(watch)
    times.sort()
    print(f"{label:34} p50 {statistics.median(times):8.0f} us"
          f"   p99 {times[int(len(times) * 0.99)]:8.0f} us")


def main():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "a.py").write_text("a = 1\n")
        measure("rename, main thread waits", root, replace)
        measure("write and close, main thread waits", root, write)
        measure("rename, main thread spins", root, replace, 200, True)
        watch = t.watch_new(SETTLE, POLL)
        t.watch_add(watch, str(root))
        t.watch_thread_start(watch, print)
        before = resource.getrusage(resource.RUSAGE_SELF)
        time.sleep(2)
        after = resource.getrusage(resource.RUSAGE_SELF)
        used = (after.ru_utime + after.ru_stime - before.ru_utime
                - before.ru_stime)
        t.watch_thread_stop(watch)
        print(f"{'idle for 2 s':34} CPU {used / 2 * 100:8.3f} %")


if __name__ == "__main__":
    main()
