"""The states of a hotfix: staged, current, permanent, old; who may be confirmed, and what ends without a word."""

import subprocess
import sys

import pytest
from helpers import environment
from midflight import journal
from midflight.hotfix import Hotfix
from midflight.report import Report
from test_journal import TEXTS, committed, fix, refused, send


@pytest.fixture
def opened(tmp_path):
    TEXTS["shop"] = ("/shop.py", b"A = 0\n")
    return journal.open(tmp_path / "journal", lambda: dict(TEXTS))


def states(opened):
    return {item.id: item.state for item in opened.hotfixes()}


def test_staged_current_permanent_old(opened):
    token = opened.begin(fix("one"))
    assert opened.state("one") == "staged" and opened.state("none") is None
    opened.end(token, committed(7))
    assert opened.state("one") == "current" and opened.number_of("one") == 7
    opened.confirm("one", by="eve")
    assert opened.state("one") == "permanent" and opened.records()[-1]["by"] == "eve"
    opened.confirm("one")
    opened.retire("one", "the release has it")
    assert states(journal.open(opened.folder)) == {"one": "old"}


@pytest.mark.parametrize("outcome", ["rejected", "rolled back", "skipped"])
def test_what_did_not_commit_is_old(opened, outcome):
    opened.end(opened.begin(fix("one"), permanent=True), Report({"outcome": outcome, "reasons": [{"code": "MF401", "text": "no"}]}))
    assert opened.hotfixes()[0].to_dict()["why"] == outcome and states(opened) == {"one": "old"}
    assert "is old" in refused("MF625", opened.confirm, "one")
    send(opened, "one")                     # and may be sent again
    assert states(opened) == {"one": "current"}


def test_an_id_is_one_hotfix(opened):
    send(opened, "one")
    assert "current already" in refused("MF624", opened.begin, fix("one"))
    assert "another hotfix is called one" in refused("MF624", opened.begin, fix("one", "A = 5\n"))
    assert "knows no hotfix two" in refused("MF625", opened.confirm, "two")


def test_undo_makes_old(opened):
    send(opened, "one", permanent=True, number=3)
    send(opened, "two", number=5, text="A = 2\n")
    assert opened.undone({5}) == ["two"] and states(opened) == {"one": "permanent", "two": "old"}
    assert opened.undone({3, 4}) == ["one"] and states(opened)["one"] == "old"


def test_what_builds_on_an_unconfirmed_one_cannot_be_confirmed(opened):
    send(opened, "one")
    send(opened, "two", permanent=True, number=2, text="A = 2\n")
    assert states(opened) == {"one": "current", "two": "current"} and "builds on one" in opened.records()[-1]["why"]
    assert "confirm that first" in refused("MF626", opened.confirm, "two")
    opened.confirm("one")
    opened.confirm("two")
    assert states(opened) == {"one": "permanent", "two": "permanent"}


def test_a_script_that_changes_main_is_never_promised(opened):
    script = Hotfix(form="script", id="one", text="import __main__\n__main__.A = 1\n")
    why = opened.end(opened.begin(script, permanent=True), committed(module="__main__"))
    assert "changes __main__" in why and states(opened) == {"one": "current"}
    refused("MF626", opened.confirm, "one")


def test_processes_that_ended_without_a_word(tmp_path):
    script = """
import os, sys
sys.path[:0] = sys.argv[2:]
from test_journal import *
opened = journal.open(sys.argv[1], lambda: dict(TEXTS))
send(opened, "permanent", permanent=True)
send(opened, "current", text="A = 2\\n", number=2)
opened.begin(fix("staged"))
os.kill(os.getpid(), 9)
"""
    here = __file__.rpartition("/")[0]
    subprocess.run([sys.executable, "-c", script, tmp_path / "journal", here, *sys.path], env=environment(), timeout=60)
    opened = journal.open(tmp_path / "journal")
    assert states(opened) == {"permanent": "permanent", "current": "old", "staged": "old"}
    whys = {item.id: item.why for item in opened.hotfixes()}
    assert "before it was confirmed" in whys["current"] and "outcome was known" in whys["staged"]


def test_a_process_that_lives_keeps_its_hotfixes(opened):
    send(opened, "one")
    assert states(journal.open(opened.folder)) == {"one": "current"}


def test_updates_are_recorded(opened):
    opened.end(None, Report({"outcome": "committed", "number": 4, "files": ["/shop.py"]}))
    opened.end(None, Report({"outcome": "skipped"}))
    opened.end(None, Report({"outcome": "committed", "dry_run": True}))
    opened.end(None, Report({"outcome": "rejected", "reasons": [{"code": "MF401", "file": "/shop.py", "line": 3, "text": "bad"}]}))
    found = [record for record in opened.records() if record["event"] == "update"]
    assert [record["outcome"] for record in found] == ["committed", "rejected"] and found[1]["reasons"] == ["MF401 /shop.py:3  bad"]
