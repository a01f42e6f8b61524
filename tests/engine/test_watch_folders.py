"""The watch room: folders, links, roots, limits, both back ends."""

import os
import shutil

import pytest

from midflight import _testengine as t
from watching import POLL, SETTLE, WAIT, Watched, replace
from watching import events, watched  # noqa: F401 (fixtures)

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
