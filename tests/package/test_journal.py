"""The journal's file and its states: what is torn, damaged, shared, full or read-only, and who may say what when."""

import errno
import hashlib
import json
import os
import subprocess
import sys

import pytest
from helpers import environment
from midflight import journal
from midflight.errors import JournalError
from midflight.hotfix import Hotfix
from midflight.journal import book
from midflight.report import Report

TEXTS = {"shop": ("/shop.py", b"A = 0\n")}


def fix(name, text="A = 1\n", **more):
    return Hotfix(form="modules", id=name, text=json.dumps({"shop": text}), **more)


def committed(number=1, module="shop"):
    return Report({"outcome": "committed", "number": number, "changed": [{"code": "MF104", "module": module, "text": "A 0 -> 1"}]})


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "journal"


@pytest.fixture
def opened(folder):
    return journal.open(folder, lambda: dict(TEXTS))


def send(opened, name, permanent=False, number=1, text="A = 1\n"):
    before, TEXTS["shop"] = TEXTS["shop"], ("/shop.py", text.encode())
    token = opened.begin(fix(name, text), permanent=permanent)
    token["before"] = {"shop": before}
    opened.end(token, committed(number))


def refused(code, call, *arguments, **more):
    with pytest.raises(JournalError) as caught:
        call(*arguments, **more)
    assert caught.value.code == code, caught.value
    return str(caught.value)


# ---- the file


def test_a_record_is_a_line_with_its_own_sum(opened, folder):
    opened.note("grüße")
    lines = (folder / "journal.jsonl").read_bytes().splitlines()
    record = json.loads(lines[-1])
    assert record["text"] == "grüße" and record["n"] == len(lines)
    assert record["sum"] == hashlib.sha256(lines[-1].rpartition(b', "sum"')[0]).hexdigest()
    assert (folder.stat().st_mode & 0o777, (folder / "journal.jsonl").stat().st_mode & 0o777) == (0o700, 0o600)


def test_who_when_what_base_result_plan_outcome_pause(opened):
    send(opened, "one")
    begin, end = opened.records()[-2:]
    assert begin["by"] and begin["when"].endswith("Z") and begin["hotfix"] == "one" and begin["digest"] == fix("one").digest
    assert opened.text(begin["text"]) == fix("one").text
    assert end["before"] == {"shop": book.sha256("A = 0\n")} and end["result"]["shop"]["text"] == book.sha256("A = 1\n")
    assert end["outcome"] == "committed" and end["pause_ms"] == 0.0 and end["plan"] == [] and end["changed"] == ["shop: A 0 -> 1"]


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_torn_record_is_set_aside_and_noted(opened, folder, cut):
    opened.note("whole")
    opened.note("x" * 300)
    path = folder / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    again = journal.open(folder)
    kinds = [(record["event"], record["text"]) for record in again.records()]
    assert kinds[0] == ("note", "whole") and len(kinds) == 2 and "torn" in kinds[1][1] and "torn" in again.notes[0]
    aside = list((folder / "aside").iterdir())
    assert len(aside) == 1 and kinds[1][1].endswith(f"aside/{aside[0].name}") and b"xxx" in aside[0].read_bytes()
    assert journal.open(folder).notes == []


def test_blocks_that_never_reached_the_disk_are_torn_too(opened, folder):
    opened.note("whole")
    opened.note("x" * 300)
    path = folder / "journal.jsonl"
    data = path.read_bytes()
    path.write_bytes(data[:-200] + b"\0" * 199 + b"\n")
    assert "torn" in journal.open(folder).notes[0]


@pytest.mark.parametrize("harm, why", [
    (lambda lines: [lines[0], lines[1].replace(b"two", b"TWO"), lines[2]], "checksum"),
    (lambda lines: [lines[0], b"garbage", lines[2]], "checksum"),
    (lambda lines: [lines[0], b"", lines[1], lines[2]], "checksum"),
    (lambda lines: [lines[0], lines[2]], "record 3 where record 2 belongs"),
    (lambda lines: [lines[0], lines[0], lines[1]], "record 1 where record 2 belongs"),
    (lambda lines: [lines[0], lines[1][:-30], lines[2]], "checksum"),
])
def test_damage_is_named_with_file_and_line(opened, folder, harm, why):
    for text in ("one", "two", "three"):
        opened.note(text)
    path = folder / "journal.jsonl"
    bad = b"\n".join(harm(path.read_bytes().splitlines())) + b"\n"
    path.write_bytes(bad)
    text = refused("MF622", journal.open, folder)
    assert f"{path}:2: " in text and why in text
    assert path.read_bytes() == bad


def test_a_sum_that_fits_on_another_history_is_damage(opened, folder, tmp_path):
    for text in ("one", "two", "three"):
        opened.note(text)
    other = journal.open(tmp_path / "other")
    for text in ("1", "2", "3"):
        other.note(text)
    lines, theirs = ((place / "journal.jsonl").read_bytes().splitlines(True) for place in (folder, tmp_path / "other"))
    (folder / "journal.jsonl").write_bytes(lines[0] + theirs[1] + lines[2])
    assert "does not follow" in refused("MF622", journal.open, folder)


def test_a_file_that_shrinks_or_goes_while_we_run_is_damage(opened, folder):
    for text in ("one", "two"):
        opened.note(text)
    path = folder / "journal.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole.splitlines(True)[0])
    assert "cut off" in refused("MF622", opened.note, "three")
    path.unlink()
    assert "is gone" in refused("MF622", opened.note, "three")
    path.write_bytes(whole)
    opened.note("three")


def test_a_text_that_was_changed_is_not_taken(opened, folder):
    send(opened, "one", permanent=True)
    name = opened.records()[-2]["text"]
    (folder / "texts" / name).write_text("evil")
    assert str(folder / "texts" / name) in refused("MF622", opened.text, name)


def test_two_processes_never_mix_records(folder):
    script = ("import sys; from midflight import journal; j = journal.open(sys.argv[1]);"
              "[j.note(sys.argv[2] * 3000) for _ in range(40)]")
    both = [subprocess.Popen([sys.executable, "-c", script, folder, letter], env=environment()) for letter in "ab"]
    assert [process.wait(60) for process in both] == [0, 0]
    texts = [record["text"] for record in journal.open(folder).records()]
    assert sorted(texts) == ["a" * 3000] * 40 + ["b" * 3000] * 40


def test_a_fork_while_the_lock_is_held_keeps_nobody_out(opened):
    with opened.book.locked():
        ready, go = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(go)
            os.read(ready, 1)
            os._exit(0)
        os.close(ready)
    try:
        opened.note("the child lives")
        journal.open(opened.folder).note("so does another")
    finally:
        os.close(go)
        os.waitpid(pid, 0)


def test_a_lock_that_is_never_given_back_is_an_error(opened, monkeypatch):
    script = ("import fcntl, os, sys; f = open(sys.argv[1], 'r+'); fcntl.lockf(f, fcntl.LOCK_EX); print('held', flush=True);"
              "sys.stdin.read()")
    monkeypatch.setattr(book, "PATIENCE", 0.02)
    holder = subprocess.Popen([sys.executable, "-c", script, os.path.join(opened.folder, "lock")], text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with holder:
        assert holder.stdout.readline() == "held\n"
        assert "another process has held" in refused("MF620", opened.begin, fix("one"))
        holder.stdin.close()
    send(opened, "one")


# ---- a full disk, a read-only one, folders of others


def full(monkeypatch, number=errno.ENOSPC, room=0):
    """os.write fails after so many more bytes, as on a disk that is full."""
    real, left = os.write, [room]

    def write(descriptor, data):
        part = data[:left[0]]
        left[0] -= len(part)
        if not part:
            raise OSError(number, os.strerror(number))
        return real(descriptor, part)

    monkeypatch.setattr(book.os, "write", write)


@pytest.mark.parametrize("room", [0, 10, 1000])
def test_a_full_disk_rejects_before_anything_is_applied(opened, folder, room):
    opened.note("before")
    with pytest.MonkeyPatch.context() as patch:
        full(patch, room=room)
        refused("MF620", opened.begin, fix("one", "A = 1\n" + "# long\n" * 500))
    assert journal.open(folder).notes == []
    assert journal.open(folder).records()[-1]["text"] == "before"
    send(opened, "one", permanent=True)
    assert opened.state("one") == "permanent"


def test_no_room_for_the_end_is_found_before_the_beginning(opened, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(book.os, "posix_fallocate", fail)
    assert "No space left" in refused("MF620", opened.begin, fix("one"))
    assert opened.records() == []


def test_the_end_of_what_has_begun_takes_the_reserve(opened, folder, monkeypatch):
    token = opened.begin(fix("one"), permanent=True)
    reserve, real = folder / "reserve", os.write

    def write(descriptor, data):
        if reserve.exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data)

    monkeypatch.setattr(book.os, "write", write)
    opened.end(token, committed())
    assert journal.open(folder).state("one") == "permanent"


def test_an_end_that_cannot_be_written_promises_nothing(opened, folder):
    token = opened.begin(fix("one"), permanent=True)
    with pytest.MonkeyPatch.context() as patch:
        full(patch, errno.EIO, room=50)
        assert "a restart comes up without it" in refused("MF623", opened.end, token, committed())
    assert journal.open(folder).state("one") == "staged" and journal.open(folder).notes == []


def test_the_kernel_refuses_a_file_that_grows(folder):
    script = f"""
import resource, signal, sys
from midflight import journal
opened = journal.open({str(folder)!r})
opened.note("before")
resource.setrlimit(resource.RLIMIT_FSIZE, (1500, resource.RLIM_INFINITY))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for number in range(10):
    try:
        opened.note("x" * 300)
    except journal.JournalError as error:
        print(error.code, error)
        break
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
opened.note("after")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment(), timeout=60)
    assert done.returncode == 0 and done.stdout.startswith("MF620") and "File too large" in done.stdout, done
    records = journal.open(folder).records()
    assert records[0]["text"] == "before" and records[-1]["text"] == "after"


def test_a_read_only_disk_is_read_and_takes_nothing(opened, folder, monkeypatch):
    send(opened, "one", permanent=True)
    path = folder / "journal.jsonl"
    path.write_bytes(path.read_bytes() + b'{"n": 3, "wh')
    real, read_only = os.open, OSError(errno.EROFS, "Read-only file system")

    def open_(path, flags, *rest, **more):
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise read_only
        return real(path, flags, *rest, **more)

    monkeypatch.setattr(book.os, "open", open_)
    monkeypatch.setattr(book.os, "access", lambda *_, **__: False)
    again = journal.open(folder)
    assert again.state("one") == "permanent" and "read-only" in again.notes[0]
    assert "Read-only file system" in refused("MF620", again.begin, fix("two"))


def test_folders_that_others_can_change_are_refused(tmp_path):
    def refusal(place):
        return refused("MF620", journal.open, place)

    place = tmp_path / "open"
    place.mkdir()
    place.chmod(0o777)
    assert "can be written by others; chmod go-w" in refusal(place)
    place.chmod(0o770)
    assert "can be written by others" in refusal(place)
    place.chmod(0o700)
    link = tmp_path / "link"
    link.symlink_to(place)
    assert "symbolic link" in refusal(link)
    inside = tmp_path / "everybody" / "journal"
    inside.parent.mkdir()
    inside.mkdir(mode=0o700)
    inside.parent.chmod(0o777)
    assert "everybody can replace it" in refusal(inside)
    file = tmp_path / "file"
    file.write_text("")
    assert "no folder" in refusal(file)


def test_files_that_others_can_change_are_refused(opened, folder):
    opened.note("one")
    path = folder / "journal.jsonl"
    path.chmod(0o666)
    assert "can be written by others" in refused("MF620", journal.open, folder)
    path.rename(folder / "moved")
    path.symlink_to(folder / "moved")
    refused("MF620", journal.open, folder)
