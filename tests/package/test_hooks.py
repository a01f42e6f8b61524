"""Listeners: who hears of what, and what a failing one does."""

import logging
import sys

import pytest
from midflight import hooks, off, on


@pytest.fixture(autouse=True)
def empty(monkeypatch):
    monkeypatch.setattr(hooks, "_listeners", {event: [] for event in hooks.EVENTS})
    monkeypatch.setattr(hooks, "_plugins_loaded", True)


def dispatch(outcome="committed", **more):
    hooks.dispatch({"number": 1, "outcome": outcome, **more})


def test_events():
    heard = []
    for event in hooks.EVENTS:
        on(event, lambda value, event=event: heard.append((event, getattr(value, "outcome", value))))
    for outcome in ("committed", "rejected", "rolled back", "skipped"):
        heard.clear()
        dispatch(outcome)
        assert heard == [(outcome, outcome), ("update", outcome)]
    heard.clear()
    hooks.dispatch({"outcome": "note", "text": "polling"})
    assert heard == [("note", "polling")]


def test_registered_once():
    class Owner:
        def heard(self, report):
            heard.append(report)

        def __eq__(self, other):
            raise AssertionError("asked")

    heard, owner = [], Owner()
    for _ in range(3):
        on("update", owner.heard)
        on("update", heard.append)
    dispatch()
    assert len(heard) == 2
    off("update", owner.heard)
    off("update", heard.append)
    dispatch()
    assert len(heard) == 2


def test_as_a_decorator():
    heard = []

    @on("committed")
    def listener(report):
        heard.append(report.number)

    dispatch()
    assert heard == [1] and callable(listener)


def test_wrong_calls():
    with pytest.raises(ValueError, match="'commited'.*committed"):
        on("commited", print)
    with pytest.raises(TypeError):
        on("update", 3)


def test_a_failing_listener_stops_nobody(capsys):
    heard = []
    on("update", lambda report: 1 / 0)
    on("update", heard.append)
    dispatch()
    assert len(heard) == 1 and "ZeroDivisionError" in capsys.readouterr().err


def test_the_logger(caplog):
    with caplog.at_level(logging.INFO, "midflight"):
        dispatch()
        dispatch("rejected")
        hooks.dispatch({"outcome": "note", "text": "polling"})
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING", "INFO"]
    assert '"outcome": "rejected"' in caplog.records[1].getMessage()


def test_plugins_come_by_entry_point(tmp_path, monkeypatch):
    info = tmp_path / "plug-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plug\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[midflight.plugins]\ngood = plug_of_a_test:setup\nbad = plug_of_a_test:fails\n")
    (tmp_path / "plug_of_a_test.py").write_text(
        "seen = []\ndef setup(midflight):\n    midflight.on('update', seen.append)\ndef fails(midflight):\n    1 / 0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(hooks, "_plugins_loaded", False)
    dispatch()
    dispatch()
    import plug_of_a_test

    assert len(plug_of_a_test.seen) == 2           # loaded before the first report is told


def test_without_plugins_nothing_is_imported_to_look_for_them(tmp_path, monkeypatch):
    """The interpreter's own archive is on sys.path and mostly does not exist."""
    (tmp_path / "other-1.0.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path / "python312.zip"), str(tmp_path), str(tmp_path / "gone")])
    assert not hooks._plugins_installed()
    (tmp_path / "python312.zip").write_bytes(b"")
    assert hooks._plugins_installed()              # what an archive holds only importlib.metadata knows
