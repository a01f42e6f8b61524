"""The engine's thread: GIL, signals, forks, the end of the interpreter."""

import gc
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from midflight import _testengine as t
from watching import POLL, SETTLE, WAIT, Batches, engine_tid, names
from watching import events  # noqa: F401 (a fixture)

# ---- the thread -----------------------------------------------------------


@pytest.fixture
def threaded(events):
    batches = Batches()
    t.watch_thread_start(events.watch, batches)
    events.batches = batches
    yield events
    t.watch_thread_stop(events.watch)


def test_thread_calls_back(threaded):
    (threaded.root / "a.py").write_text("a = 2\n")
    assert names(threaded.batches.next()[1], threaded.root) == ["a.py"]
    t.watch_thread_stop(threaded.watch)
    (threaded.root / "a.py").write_text("a = 3\n")
    assert not threaded.batches.event.wait(0.1)


def test_thread_is_no_python_thread(threaded):
    before = len(sys._current_frames()), threading.active_count()
    (threaded.root / "a.py").write_text("a = 2\n")
    threaded.batches.next()
    time.sleep(0.05)
    assert (len(sys._current_frames()), threading.active_count()) == before


def test_thread_stop_start_many(tmp_path):
    descriptors = len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        watch = t.watch_new(SETTLE, POLL)
        t.watch_add(watch, str(tmp_path))
        t.watch_thread_start(watch, print)
        t.watch_thread_stop(watch)
    del watch
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == descriptors


@pytest.mark.parametrize("free_gil", [False, True])
def test_thread_add(threaded, tmp_path_factory, free_gil):
    other = tmp_path_factory.mktemp("other")
    t.watch_thread_add(threaded.watch, str(other), free_gil)
    (other / "o.py").write_text("o = 1\n")
    assert threaded.batches.next()[1] == [str(other / "o.py")]
    with pytest.raises(FileNotFoundError):
        t.watch_thread_add(threaded.watch, str(other / "nowhere"), free_gil)


def test_thread_lets_noise_gather(threaded):
    """A database makes and deletes files: no wake-up for each of them."""

    def switches():
        with open(f"/proc/self/task/{engine_tid()}/status") as file:
            return sum(int(x.split()[1]) for x in file if "ctxt_switches" in x)

    def noise(seconds):
        end, rounds = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            (threaded.root / "journal").write_text("x")
            (threaded.root / "journal").unlink()
            rounds += 1
        return rounds

    noise(0.3)
    before = switches()
    rounds = noise(0.5)
    assert switches() - before < max(400, rounds)
    (threaded.root / "a.py").write_text("a = 2\n")
    assert names(threaded.batches.next()[1], threaded.root) == ["a.py"]


def test_thread_note(threaded):
    shutil.rmtree(threaded.root)
    threaded.batches.next()
    assert "is gone" in threaded.notes()[0]


def test_thread_stopped_in_its_callback(events):
    done = threading.Event()

    def batch(paths):
        t.watch_thread_stop(events.watch)
        done.set()

    t.watch_thread_start(events.watch, batch)
    (events.root / "a.py").write_text("a = 2\n")
    assert done.wait(WAIT / 1000)


def test_thread_waits_for_the_gil_with_what_comes(threaded):
    interval = sys.getswitchinterval()
    sys.setswitchinterval(10)
    try:
        (threaded.root / "a.py").write_text("a = 2\n")
        end = time.monotonic() + 0.05
        while time.monotonic() < end:
            pass
        (threaded.root / "b.py").write_text("b = 2\n")
    finally:
        sys.setswitchinterval(interval)
    deadline = time.monotonic() + WAIT / 1000
    seen = set()
    while len(seen) < 2 and time.monotonic() < deadline:
        threaded.batches.event.wait(0.1)
        threaded.batches.event.clear()      # without a rest of ours, it might wait the ten seconds that it was told to
        seen = {os.path.basename(p) for _, b in threaded.batches.all for p in b}
    assert seen == {"a.py", "b.py"}


def test_thread_signals_go_to_main(threaded):
    got = []
    before = signal.signal(signal.SIGUSR1, lambda *args: got.append(args))
    try:
        with open(f"/proc/self/task/{engine_tid()}/status") as file:
            mask = next(x for x in file if x.startswith("SigBlk"))
        assert int(mask.split()[1], 16) >> (signal.SIGTERM - 1) & 1
        assert not int(mask.split()[1], 16) >> (signal.SIGSEGV - 1) & 1
        os.kill(os.getpid(), signal.SIGUSR1)
        assert len(got) == 1
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_callback_has_the_mask_of_the_starter(events):
    masks = []

    def batch(paths):
        masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, []))

    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
    try:
        t.watch_thread_start(events.watch, batch)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    (events.root / "a.py").write_text("a = 2\n")
    deadline = time.monotonic() + WAIT / 1000
    while not masks and time.monotonic() < deadline:
        time.sleep(0.005)
    t.watch_thread_stop(events.watch)
    assert masks == [before | {signal.SIGUSR2}]


# ---- whole processes ------------------------------------------------------

PROGRAM = """
import os, sys, time, threading, signal
from midflight import _testengine as t
root = sys.argv[1]
path = os.path.join(root, "a.py")
def save(text):
    with open(path + "~", "w") as file:
        file.write(text)
    os.replace(path + "~", path)
def start(batch):
    watch = t.watch_new(40, 100)
    t.watch_add(watch, root)
    t.watch_thread_start(watch, batch)
    return watch
"""


def run(root, text):
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c",
         PROGRAM + textwrap.dedent(text), str(root)],
        capture_output=True, text=True, timeout=30,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_fork(tmp_path):
    out = run(tmp_path, """
        got = threading.Event()
        watch = start(lambda paths: got.set())
        pid = os.fork()
        if pid == 0:
            assert t.watch_thread_forked(watch)
            try:
                t.watch_thread_add(watch, root)
            except ProcessLookupError:
                pass
            t.watch_thread_stop(watch)
            child = threading.Event()
            watch = start(lambda paths: child.set())
            save("a = 1")
            assert child.wait(5)
            t.watch_thread_stop(watch)
            os._exit(7)
        assert not t.watch_thread_forked(watch)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
        assert got.wait(5)
        got.clear()
        save("a = 2")
        assert got.wait(5)
        t.watch_thread_stop(watch)
        print("fine")
    """)
    assert out == ["fine"]


def test_fork_while_events_come(tmp_path):
    out = run(tmp_path, """
        watch = start(lambda paths: None)
        stop = threading.Event()
        def edit():
            i = 0
            while not stop.is_set():
                i += 1
                save(f"a = {i}")
                os.makedirs(os.path.join(root, f"d{i}"), exist_ok=True)
        editor = threading.Thread(target=edit)
        editor.start()
        for i in range(60):
            pid = os.fork()
            if pid == 0:
                t.watch_thread_stop(watch)
                os._exit(7)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
        stop.set()
        editor.join()
        t.watch_thread_stop(watch)
        print("fine")
    """)
    assert out == ["fine"]


def test_fork_in_the_callback(tmp_path):
    out = run(tmp_path, """
        codes = []
        def batch(paths):
            pid = os.fork()
            if pid == 0:
                t.watch_thread_stop(watch)
                return
            codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        watch = start(batch)
        save("a = 1")
        end = time.monotonic() + 10
        while not codes and time.monotonic() < end:
            time.sleep(0.01)
        t.watch_thread_stop(watch)
        print(codes)
    """)
    assert out == ["[0]"]


@pytest.mark.parametrize("stop", ["atexit", "never"])
def test_end_of_the_interpreter(tmp_path, stop):
    """`never` leaves it to the end of the module's objects."""
    out = run(tmp_path, f"""
        import atexit
        watch = start(lambda paths: None)
        if {stop!r} == "atexit":
            atexit.register(t.watch_thread_stop, watch)
        def edit():
            i = 0
            while True:
                i += 1
                save(f"a = {{i}}")
        threading.Thread(target=edit, daemon=True).start()
        time.sleep(0.1)
        print("fine")
    """)
    assert out == ["fine"]


def test_fault_is_still_told(tmp_path):
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", PROGRAM + textwrap.dedent("""
            import ctypes
            watch = start(lambda paths: ctypes.string_at(0))
            save("a = 1")
            time.sleep(5)
        """), str(tmp_path)],
        capture_output=True, text=True, timeout=30,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    # a sanitizer tells of it in the interpreter's place
    told = {-signal.SIGSEGV: "Fatal Python error", 1: "AddressSanitizer: SEGV"}
    assert told.get(done.returncode, "told") in done.stderr, (done.returncode, done.stderr)
