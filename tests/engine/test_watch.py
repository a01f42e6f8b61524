"""The watch room and the engine's thread, on real files.

Run as a script, it prints latencies: python tests/engine/test_watch.py
"""

import gc
import os
import shutil
import signal
import statistics
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from midflight import _testengine as t

SETTLE = 25
POLL = 50
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


# ---- one file -------------------------------------------------------------


def test_nothing_at_first(watched):
    assert watched.quiet()


def test_write(watched):
    (watched.root / "a.py").write_text("a = 2\n")
    assert watched.wait() == ["a.py"]
    assert watched.quiet()


def test_same_size_again_and_again(watched):
    for i in range(3):
        (watched.root / "a.py").write_text(f"a = {i + 2}\n")
        assert watched.wait() == ["a.py"]


def test_atomic_rename(watched):
    replace(watched.root / "pkg" / "c.py", "c = 22\n")
    assert watched.wait() == ["pkg/c.py"]
    assert watched.quiet()


def test_delete(watched):
    (watched.root / "a.py").unlink()
    assert watched.wait() == ["a.py"]
    (watched.root / "a.py").write_text("a = 3\n")
    assert watched.wait() == ["a.py"]


def test_new_file(watched):
    (watched.root / "new.py").write_text("new = 1\n")
    assert watched.wait() == ["new.py"]


def test_renamed(watched):
    (watched.root / "a.py").rename(watched.root / "z.py")
    assert watched.wait() == ["a.py", "z.py"]


def test_other_files_say_nothing(watched):
    (watched.root / "notes.txt").write_text("x")
    (watched.root / "a.pyc").write_text("x")
    (watched.root / "pkg" / ".hidden.py").write_text("x")
    os.symlink("me@host.1:2", watched.root / ".#a.py")
    (watched.root / "__pycache__").mkdir()
    (watched.root / "__pycache__" / "a.py").write_text("x")
    assert watched.quiet(3 * POLL)


def test_came_and_went(watched):
    (watched.root / "probe.py").write_text("x")
    (watched.root / "probe.py").unlink()
    (watched.root / "a.py").write_text("a = 2\n")
    assert watched.wait() == ["a.py"]


def test_truncated_then_written(watched):
    with open(watched.root / "a.py", "w") as file:
        file.flush()
        assert watched.wait(SETTLE // 2) == []
        file.write("a = 5\n")
    assert watched.wait() == ["a.py"]


def test_written_but_never_closed(watched):
    with open(watched.root / "a.py", "w") as file:
        file.write("a = 55\n")
        file.flush()
        assert watched.wait() == ["a.py"]


def test_waits_while_somebody_writes(events):
    with open(events.root / "a.py", "w") as file:
        for i in range(8):
            file.write(f"line = {i}\n")
            file.flush()
            assert events.wait(SETTLE // 4) == []
    assert events.wait() == ["a.py"]
    assert events.quiet()


def test_emptied_file_waits_for_its_text(events):
    (events.root / "a.py").write_text("")
    assert events.wait(SETTLE // 2) == []
    (events.root / "a.py").write_text("a = 6\n")
    assert events.wait() == ["a.py"]
    assert events.quiet()


# ---- editors --------------------------------------------------------------


def test_vim(events):
    root = events.root
    (root / "4913").write_text("")
    (root / "4913").unlink()
    (root / "a.py").rename(root / "a.py~")
    (root / "a.py").write_text("a = 7\n")
    (root / "a.py~").unlink()
    start = time.monotonic()
    assert events.wait() == ["a.py"]
    assert time.monotonic() - start < SETTLE / 1000 / 2
    assert events.quiet()


def test_emacs(events):
    root = events.root
    os.symlink("me@host.1:2", root / ".#a.py")
    (root / "#a.py#").write_text("a = 8\n")
    (root / "a.py").write_text("a = 8\n")
    (root / ".#a.py").unlink()
    (root / "#a.py#").unlink()
    assert events.wait() == ["a.py"]
    assert events.quiet()


def test_pycharm(events):
    root = events.root
    (root / "a.py___jb_tmp___").write_text("a = 9\n")
    (root / "a.py").rename(root / "a.py___jb_old___")
    (root / "a.py___jb_tmp___").rename(root / "a.py")
    (root / "a.py___jb_old___").unlink()
    start = time.monotonic()
    assert events.wait() == ["a.py"]
    assert time.monotonic() - start < SETTLE / 1000 / 2
    assert events.quiet()


# ---- many files -----------------------------------------------------------


def test_burst_is_one_batch(watched):
    """Files replaced by delete and create, as version control does."""
    for i in range(300):
        (watched.root / f"m{i:03}.py").write_text("x = 1\n")
    assert len(watched.wait()) == 300
    for i in range(300):
        (watched.root / f"m{i:03}.py").unlink()
        (watched.root / f"m{i:03}.py").write_text("x = 2 + 2\n")
    assert len(watched.wait()) == 300
    assert watched.quiet()


def test_branch_switch_is_one_batch(tmp_path):
    def git(*args):
        subprocess.run(["git", "-C", str(tmp_path), "-c", "user.name=n",
                        "-c", "user.email=e@example.org", *args],
                       check=True, capture_output=True)

    def write(text):
        for i in range(40):
            folder = tmp_path / f"p{i % 4}"
            folder.mkdir(exist_ok=True)
            (folder / f"m{i}.py").write_text(text)

    git("init", "-q")
    write("x = 1\n")
    git("add", "-A")
    git("commit", "-qm", "one")
    git("switch", "-qc", "other")
    write("x = 2\n")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "n.py").write_text("n = 1\n")
    git("add", "-A")
    git("commit", "-qm", "two")
    watched = Watched(tmp_path)
    for _ in range(3):
        git("switch", "-q", "-")
        assert len(watched.wait()) == 41
        assert watched.quiet()


def test_lock_of_version_control_holds_the_batch(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / "a.py").write_text("a = 1\n")
    lock = tmp_path / ".git" / "index.lock"
    watched = Watched(tmp_path)
    lock.write_text("")
    (tmp_path / "a.py").unlink()
    (tmp_path / "a.py").write_text("a = 2\n")
    assert watched.quiet()
    (tmp_path / "b.py").write_text("b = 2\n")
    lock.unlink()
    assert watched.wait() == ["a.py", "b.py"]
    # Left behind by a crash long ago: no reason to wait.
    lock.write_text("")
    os.utime(lock, (1, 1))
    (tmp_path / "c.py").write_text("c = 2\n")
    assert watched.wait() == ["c.py"]


def test_endless_writer_does_not_hold_others(events):
    stop = threading.Event()

    def write():
        with open(events.root / "b.py", "w") as file:
            while not stop.wait(SETTLE / 4000):
                file.write("#\n")
                file.flush()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        time.sleep(0.05)
        (events.root / "a.py").write_text("a = 2\n")
        assert "a.py" in events.wait()
    finally:
        stop.set()
        writer.join()


def test_put_back(events):
    (events.root / "a.py").write_text("a = 2\n")
    assert events.wait() == ["a.py"]
    (events.root / "b.py").write_text("b = 2\n")
    t.watch_put_back(events.watch, str(events.root / "a.py"))
    assert events.wait() == ["a.py", "b.py"]
    t.watch_put_back(events.watch, str(events.root / "a.py"))
    assert events.wait() == ["a.py"]


# ---- folders --------------------------------------------------------------


def test_new_folders(watched):
    deep = watched.root / "x" / "y" / "z"
    deep.mkdir(parents=True)
    (deep / "d.py").write_text("d = 1\n")
    assert watched.wait() == ["x/y/z/d.py"]
    (deep / "d.py").write_text("d = 22\n")
    assert watched.wait() == ["x/y/z/d.py"]


def test_folder_moved_away_and_back(watched, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    os.rename(watched.root / "pkg", other / "pkg")
    assert watched.wait() == ["pkg/__init__.py", "pkg/c.py"]
    (other / "pkg" / "c.py").write_text("c = 3\n")
    assert watched.quiet(2 * POLL)
    os.rename(other / "pkg", watched.root / "pkg")
    assert watched.wait() == ["pkg/__init__.py", "pkg/c.py"]
    (watched.root / "pkg" / "c.py").write_text("c = 44\n")
    assert watched.wait() == ["pkg/c.py"]


def test_folder_renamed(watched):
    os.rename(watched.root / "pkg", watched.root / "pkg2")
    assert watched.wait() == ["pkg/__init__.py", "pkg/c.py",
                              "pkg2/__init__.py", "pkg2/c.py"]
    (watched.root / "pkg2" / "c.py").write_text("c = 44\n")
    assert watched.wait() == ["pkg2/c.py"]


def test_folder_deleted(watched):
    shutil.rmtree(watched.root / "pkg")
    assert watched.wait() == ["pkg/__init__.py", "pkg/c.py"]


def test_left_out_folders(watched):
    for name in (".hidden", "node_modules", "__pycache__"):
        (watched.root / name).mkdir()
        (watched.root / name / "x.py").write_text("x")
    environment = watched.root / "env"
    (environment / "lib").mkdir(parents=True)
    (environment / "pyvenv.cfg").write_text("home = /\n")
    watched.wait(3 * POLL)
    (environment / "lib" / "x.py").write_text("x")
    (watched.root / ".hidden" / "x.py").write_text("xx")
    assert watched.quiet(3 * POLL)


def test_root_gone_and_back(watched):
    shutil.rmtree(watched.root)
    gone = watched.wait()
    assert gone == ["a.py", "b.py", "pkg/__init__.py", "pkg/c.py"]
    assert "is gone" in watched.notes()[-1]
    watched.root.mkdir()
    (watched.root / "a.py").write_text("a = 9\n")
    assert watched.wait() == ["a.py"]
    assert "is back" in watched.notes()[-1]
    (watched.root / "a.py").write_text("a = 10\n")
    assert watched.wait() == ["a.py"]


def test_linked_folder_is_reported_as_given(watched, tmp_path_factory):
    link = tmp_path_factory.mktemp("links") / "link"
    os.symlink(watched.root, link)
    t.watch_remove(watched.watch, str(watched.root))
    t.watch_add(watched.watch, str(link))
    (watched.root / "pkg" / "c.py").write_text("c = 99\n")
    paths, _ = t.watch_wait(watched.watch, WAIT)
    assert paths == [f"{link}/pkg/c.py"]


def test_links_inside_and_loops(watched, tmp_path_factory):
    real = tmp_path_factory.mktemp("real")
    (real / "r.py").write_text("r = 1\n")
    os.symlink(real, watched.root / "linked")
    os.symlink(watched.root, watched.root / "pkg" / "loop")
    assert watched.wait() == ["linked/r.py"]
    (real / "r.py").write_text("r = 22\n")
    assert watched.wait() == ["linked/r.py"]
    os.unlink(watched.root / "linked")
    assert watched.wait() == ["linked/r.py"]
    (real / "r.py").write_text("r = 333\n")
    assert watched.quiet(3 * POLL)


def test_one_folder_under_two_names(watched):
    os.symlink(watched.root / "pkg", watched.root / "alias")
    watched.wait()
    (watched.root / "pkg" / "c.py").write_text("c = 22\n")
    assert watched.wait() == ["alias/c.py", "pkg/c.py"]
    os.unlink(watched.root / "alias")
    watched.wait()
    (watched.root / "pkg" / "c.py").write_text("c = 333\n")
    assert watched.wait() == ["pkg/c.py"]


def test_link_to_a_file(watched, tmp_path_factory):
    real = tmp_path_factory.mktemp("real")
    (real / "r.py").write_text("r = 1\n")
    (real / "s.py").write_text("s = 1\n")
    link = watched.root / "l.py"
    os.symlink(real / "r.py", link)
    assert watched.wait() == ["l.py"]
    (real / "r.py").write_text("r = 22\n")
    assert watched.wait() == ["l.py"]
    replace(real / "r.py", "r = 333\n")
    assert watched.wait() == ["l.py"]
    os.symlink(real / "s.py", watched.root / "tmp~")
    os.replace(watched.root / "tmp~", link)
    assert watched.wait() == ["l.py"]
    (real / "s.py").write_text("s = 22\n")
    assert watched.wait() == ["l.py"]
    (real / "s.py").unlink()
    assert watched.wait() == ["l.py"]


def test_folders_swapped_behind_links(watched):
    """As mounted configuration is renewed: a.py -> ..data/a.py."""

    def publish(name, text):
        (watched.root / name).mkdir()
        (watched.root / name / "k.py").write_text(text)
        os.symlink(name, watched.root / "..tmp")
        os.replace(watched.root / "..tmp", watched.root / "..data")

    publish("..1", "k = 1\n")
    os.symlink("..data/k.py", watched.root / "k.py")
    assert watched.wait() == ["k.py"]
    for i in range(2, 5):
        publish(f"..{i}", f"k = {i}\n" * i)
        shutil.rmtree(watched.root / f"..{i - 1}")
        assert watched.wait() == ["k.py"]
        assert watched.quiet()


# ---- what is watched ------------------------------------------------------


@pytest.mark.parametrize("force", [False, True])
def test_one_file(tmp_path, force):
    (tmp_path / "data.json").write_text("1")
    (tmp_path / "a.py").write_text("a = 1\n")
    watch = t.watch_new(SETTLE, POLL, force)
    t.watch_add(watch, str(tmp_path / "data.json"))
    (tmp_path / "a.py").write_text("a = 2\n")
    (tmp_path / "data.json").write_text("22")
    assert t.watch_wait(watch, WAIT)[0] == [str(tmp_path / "data.json")]
    (tmp_path / "data.json").unlink()
    assert t.watch_wait(watch, WAIT)[0] == [str(tmp_path / "data.json")]
    (tmp_path / "data.json").write_text("22")
    assert t.watch_wait(watch, WAIT)[0] == [str(tmp_path / "data.json")]
    t.watch_remove(watch, str(tmp_path / "data.json"))
    (tmp_path / "data.json").write_text("333")
    assert t.watch_wait(watch, 3 * POLL)[0] == []


def test_suffixes(watched):
    t.watch_suffixes(watched.watch, ".py", ".toml")
    (watched.root / "x.toml").write_text("x")
    assert watched.wait() == ["x.toml"]


def test_roots_in_one_another(watched):
    t.watch_add(watched.watch, str(watched.root / "pkg") + "/")
    t.watch_remove(watched.watch, str(watched.root))
    (watched.root / "a.py").write_text("a = 22\n")
    (watched.root / "pkg" / "c.py").write_text("c = 22\n")
    assert watched.wait() == ["pkg/c.py"]
    t.watch_add(watched.watch, str(watched.root))
    (watched.root / "a.py").write_text("a = 333\n")
    assert watched.wait() == ["a.py"]


def test_what_cannot_be_watched(watched):
    with pytest.raises(FileNotFoundError):
        t.watch_add(watched.watch, str(watched.root / "nowhere"))
    with pytest.raises(OSError):
        t.watch_add(watched.watch, "relative")
    with pytest.raises(FileNotFoundError):
        t.watch_remove(watched.watch, str(watched.root / "nowhere"))


# ---- back ends ------------------------------------------------------------


def test_idle_has_no_wake_ups(events):
    assert events.backend() == "inotify"
    assert t.watch_timeout(events.watch) == -1
    assert events.wait(300) == []
    assert events.wakes == 1


def test_noisy_log_is_not_listened_to(events):
    with open(events.root / "app.log", "w") as log:
        for _ in range(300):
            log.write("line\n")
            log.flush()
            events.wait(0)
        log.flush()
        events.wait(10)
        log.write("line\n")
        log.flush()
        assert events.wait(100) == []
        assert events.wakes == 1
    (events.root / "a.py").write_text("a = 2\n")
    assert events.wait() == ["a.py"]


def test_polling_says_so(tmp_path):
    watched = Watched(tmp_path, force=True)
    assert watched.backend() == "polling"
    assert 0 < t.watch_timeout(watched.watch) <= POLL + 1


def test_limit_of_watches(tmp_path):
    for i in range(8):
        (tmp_path / f"p{i}").mkdir()
        (tmp_path / f"p{i}" / "m.py").write_text("m = 1\n")
    watched = Watched(tmp_path, limit=4)
    assert watched.backend() == "inotify and polling"
    assert len(watched.notes()) == 1
    assert "max_user_watches" in watched.notes()[0]
    for i in range(8):
        (tmp_path / f"p{i}" / "m.py").write_text("m = 22\n")
        assert watched.wait() == [f"p{i}/m.py"]
    assert watched.quiet(2 * POLL)


def test_overflow_reports_everything(events):
    with open("/proc/sys/fs/inotify/max_queued_events") as file:
        queue = int(file.read())
    (events.root / "sub").mkdir()
    events.wait(0)
    for i in range(queue // 2 + 10):  # equal ones in a row would be merged
        os.close(os.open(events.root / f"log{i % 2}", os.O_CREAT | os.O_WRONLY))
        os.close(os.open(events.root / "log2", os.O_CREAT | os.O_WRONLY))
    (events.root / "b.py").unlink()
    (events.root / "sub" / "late.py").write_text("late = 1\n")
    (events.root / "new").mkdir()
    (events.root / "new" / "n.py").write_text("n = 1\n")
    assert events.wait() == ["a.py", "b.py", "new/n.py", "sub/late.py"]
    assert events.quiet()
    (events.root / "new" / "n.py").write_text("n = 2\n")
    assert events.wait() == ["new/n.py"]


# ---- the thread -----------------------------------------------------------


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
    before = len(sys._current_frames())
    (threaded.root / "a.py").write_text("a = 2\n")
    threaded.batches.next()
    time.sleep(0.05)
    assert len(sys._current_frames()) == before
    assert threading.active_count() == before


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


def engine_tid():
    deadline = time.monotonic() + WAIT / 1000
    while time.monotonic() < deadline:
        for tid in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{tid}/comm") as file:
                if file.read().strip() == "midflight":
                    return tid
    raise AssertionError("no thread of that name")


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
    assert done.returncode == -signal.SIGSEGV
    assert "Fatal Python error" in done.stderr


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
    import pathlib
    import resource
    import tempfile

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
