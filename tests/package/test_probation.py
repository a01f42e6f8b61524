"""Hotfixes on probation: taken back by themselves when nobody confirms them, or when a health check fails."""

import pytest
from helpers import MIDFLIGHT, finish, write

APP = """
import os, sys, threading
import midflight
from midflight.hotfix import probation
midflight.start(roots=[os.getcwd()], journal="journal", exclude=["app.py"])
import shop
notes = threading.Semaphore(0)
said = []
def note(text):
    said.append(text)
    notes.release()
midflight.on("note", note)
def fix(**more):
    report = midflight.hotfix({"shop": "def price():\\n    return 2\\n"}, id="two", **more)
    assert report.outcome == "committed" and shop.price() == 2, report
    return report
def state():
    return [item["state"] for item in midflight.status()["hotfixes"]][-1]
"""


@pytest.fixture
def program(tmp_path):
    def run(script):
        write(tmp_path, {"shop.py": "def price():\n    return 1\n", "app.py": APP + script})
        code, out, errors = finish([MIDFLIGHT[0], "app.py"], tmp_path)
        assert code == 0, errors
        return out.splitlines()

    return run


def test_not_confirmed_in_time(program):
    assert program("""
fix(probation=0.05, permanent=True)
notes.acquire()
assert shop.price() == 1 and state() == "old", (shop.price(), state())
print(said[0])
print(midflight.status()["hotfixes"][0]["why"], probation.waiting())
""") == ["hotfix two was taken back: it was not confirmed in time", "undone []"]


def test_confirmed_in_time(program):
    assert program("""
fix(probation=30)
assert probation.waiting() == ["two"] and state() == "current"
midflight.confirm("two")
assert probation.waiting() == [] and state() == "permanent" and shop.price() == 2
for thread in threading.enumerate():
    if thread.name == "midflight-probation":
        thread.join()
print(said)
""") == ["[]"]


@pytest.mark.parametrize("body, why", [
    ("return False", "its health check failed"),
    ("raise ValueError('sick')", "its health check failed: ValueError: sick"),
])
def test_a_failing_health_check(program, body, why):
    assert program(f"""
def health():
    {body}
fix(health=health)
notes.acquire()
print(said[0], shop.price(), state())
""") == [f"hotfix two was taken back: {why} 1 old"]


def test_health_is_asked_again_until_it_is_confirmed(program):
    assert program("""
probation.EVERY = 0.001
asked = threading.Semaphore(0)
fix(health=asked.release, probation=30)
for _ in range(3):
    asked.acquire()
midflight.confirm("two")
print(said, state())
""") == ["[] permanent"]


def test_an_undo_ends_it(program):
    assert program("""
fix(probation=30)
midflight.undo()
print(probation.waiting(), shop.price(), said)
""") == ["[] 1 []"]


def test_what_cannot_be_taken_back_is_said(program):
    lines = program("""
import midflight.api
real = midflight.api.undo
midflight.api.undo = lambda number: midflight.api.refuse([(627, "no", None, 0)], 0, {})
fix(probation=0.01)
notes.acquire()
print(said[0])
""")
    assert lines == ["hotfix two was NOT taken back: it was not confirmed in time; the undo was rejected: no"]


def test_a_forked_child_goes_on_with_it(program):
    assert program("""
import time
fix(probation=0.5)
read, write = os.pipe()
if os.fork() == 0:
    notes.acquire()
    os.write(write, f"{said[0]} {shop.price()}".encode())
    os._exit(0)
notes.acquire()
os.wait()
print(os.read(read, 1000).decode())
""") == ["hotfix two was taken back: it was not confirmed in time 1"]


def test_wrong_words_are_refused_before_anything_is_applied(program):
    assert program("""
for more in ({"probation": 0}, {"probation": -1}, {"probation": "soon"}, {"health": 3}):
    try:
        midflight.hotfix({"shop": "def price():\\n    return 2\\n"}, **more)
    except (TypeError, ValueError) as error:
        print(type(error).__name__, shop.price())
""") == ["ValueError 1", "ValueError 1", "ValueError 1", "TypeError 1"]
