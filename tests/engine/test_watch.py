"""The watch room on real files: what is a save, what is a burst."""

import os
import threading
import time

from midflight import _testengine as t
from watching import LATE, POLL, SETTLE, Watched, replace
from watching import events, patient, watched  # noqa: F401 (fixtures)

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


def test_truncated_then_written(patient):
    with open(patient.root / "a.py", "w") as file:
        file.flush()
        assert patient.wait(LATE // 20) == []
        file.write("a = 5\n")
    assert patient.wait() == ["a.py"]


def test_written_but_never_closed(watched):
    with open(watched.root / "a.py", "w") as file:
        file.write("a = 55\n")
        file.flush()
        assert watched.wait() == ["a.py"]


def test_waits_while_somebody_writes(patient):
    with open(patient.root / "a.py", "w") as file:
        for i in range(8):
            file.write(f"line = {i}\n")
            file.flush()
            assert patient.wait(LATE // 40) == []
    assert patient.wait() == ["a.py"]
    assert patient.quiet()


def test_emptied_file_waits_for_its_text(patient):
    (patient.root / "a.py").write_text("")
    assert patient.wait(LATE // 20) == []
    (patient.root / "a.py").write_text("a = 6\n")
    assert patient.wait() == ["a.py"]
    assert patient.quiet()


# ---- editors --------------------------------------------------------------


def test_vim(patient):
    root = patient.root
    (root / "4913").write_text("")
    (root / "4913").unlink()
    (root / "a.py").rename(root / "a.py~")
    (root / "a.py").write_text("a = 7\n")
    (root / "a.py~").unlink()
    start = time.monotonic()
    assert patient.wait() == ["a.py"]
    assert time.monotonic() - start < LATE / 1000 / 2
    assert patient.quiet()


def test_emacs(events):
    root = events.root
    os.symlink("me@host.1:2", root / ".#a.py")
    (root / "#a.py#").write_text("a = 8\n")
    (root / "a.py").write_text("a = 8\n")
    (root / ".#a.py").unlink()
    (root / "#a.py#").unlink()
    assert events.wait() == ["a.py"]
    assert events.quiet()


def test_pycharm(patient):
    root = patient.root
    (root / "a.py___jb_tmp___").write_text("a = 9\n")
    (root / "a.py").rename(root / "a.py___jb_old___")
    (root / "a.py___jb_tmp___").rename(root / "a.py")
    (root / "a.py___jb_old___").unlink()
    start = time.monotonic()
    assert patient.wait() == ["a.py"]
    assert time.monotonic() - start < LATE / 1000 / 2
    assert patient.quiet()


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
    """As git does it: under its lock, each file removed and written anew, folders that come and go."""
    (tmp_path / ".git").mkdir()

    def switch(text, new):
        lock = tmp_path / ".git" / "index.lock"
        lock.write_text("")
        for i in range(40):
            file = tmp_path / f"p{i % 4}" / f"m{i}.py"
            file.parent.mkdir(exist_ok=True)
            file.unlink(missing_ok=True)
            file.write_text(text)
        if new:
            (tmp_path / "new").mkdir()
            (tmp_path / "new" / "n.py").write_text("n = 1\n")
        elif (tmp_path / "new").exists():
            (tmp_path / "new" / "n.py").unlink()
            (tmp_path / "new").rmdir()
        lock.replace(tmp_path / ".git" / "index")

    switch("x = 1\n", True)
    watched = Watched(tmp_path)
    for i in range(3):
        switch(f"x = {i + 2}\n", i % 2 == 1)
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
