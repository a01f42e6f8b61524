"""stragglers = "wait": what cannot go in now goes in by itself when the last one has ended. In: threads that wait. Out: reports, calls."""

import sys
import textwrap

import pytest
from helpers import finish, write

LIB = '''
def work(event, text="old"):
    event.wait()
    return text


def numbers():
    yield 1
    yield 2


def other():
    return 1
'''

PRELUDE = """
import os, threading
import midflight
midflight.start(roots=[os.getcwd()], exclude=["script.py"], stragglers="wait", safepoint=%r)
import lib
TEXT = open("lib.py").read()
EDIT = TEXT.replace("    return text", "    return text.upper()").replace("event.wait()", "event.wait(None)")
committed = threading.Event()
midflight.on("committed", lambda report: committed.set())
event, out = threading.Event(), []
def save(text):
    with open("lib.py.part", "w") as file:
        file.write(text)
    os.replace("lib.py.part", "lib.py")
def straggle():
    begun = threading.Event()
    class Event:
        def wait(self, *time):
            begun.set()
            event.wait()
    thread = threading.Thread(target=lambda: out.append(lib.work(Event())))
    thread.start()
    assert begun.wait(60)
    return thread
def codes(report):
    return [reason.code for reason in report.reasons]
"""


@pytest.fixture
def program(tmp_path):
    """Run a script beside lib.py; its asserts are the test's."""

    def run(script, safepoint="any"):
        write(tmp_path, {"lib.py": LIB, "script.py": PRELUDE % safepoint + textwrap.dedent(script)})
        code, _, errors = finish([sys.executable, "script.py"], tmp_path, timeout=100)
        assert code == 0, errors

    return run


def test_goes_in_when_the_call_has_returned(program):
    program("""
        thread = straggle()
        save(EDIT)
        report = midflight.update()
        assert report.outcome == "rejected" and codes(report) == ["MF431"], report
        assert midflight.status()["pending"] and midflight.status()["watching"] is None
        event.set()
        thread.join()
        assert committed.wait(60) and out == ["old"] and lib.work(event) == "OLD", out
        assert midflight.status()["pending"] == [] and len(midflight.history()) == 2
        """)


def test_a_generator_that_ends_or_is_dropped(program):
    program("""
        for edit, end in ((TEXT.replace("yield 1", "yield 10"), list), (TEXT.replace("yield 1", "yield 20"), lambda g: g.close())):
            committed.clear()
            generator = lib.numbers()
            next(generator)
            save(edit)
            assert codes(midflight.update()) == ["MF431"]
            end(generator)
            assert committed.wait(60)
        assert next(lib.numbers()) == 20
        """)


def test_text_that_the_host_has_given(program):
    program("""
        thread = straggle()
        assert codes(midflight.update(sources={"lib": EDIT})) == ["MF431"]
        event.set()
        thread.join()
        assert committed.wait(60) and lib.work(event) == "OLD" and open("lib.py").read() == TEXT
        """)


def test_a_later_edit_takes_its_place(program):
    program("""
        thread = straggle()
        save(EDIT)
        assert codes(midflight.update()) == ["MF431"]
        save(TEXT.replace("return 1", "return 2"))
        assert midflight.update().outcome == "committed" and lib.other() == 2
        count = len(midflight.history())
        event.set()
        thread.join()
        save(TEXT.replace("return 1", "return 3"))
        assert midflight.update().outcome == "committed" and lib.other() == 3 and lib.work(event) == "old"
        assert len(midflight.history()) == count + 1
        """)


def test_another_error_is_not_waited_out(program):
    program("""
        thread = straggle()
        save(EDIT)
        assert codes(midflight.update()) == ["MF431"]
        save("def work(:")
        assert codes(midflight.update()) == ["MF401"]
        event.set()
        thread.join()
        save(EDIT)
        assert midflight.update().outcome == "committed" and lib.work(event) == "OLD"
        """)


def test_the_host_chooses_the_moment(program):
    program("""
        import time
        thread = straggle()
        save(EDIT)
        assert codes(midflight.update()) == ["MF431"]
        assert midflight.poll() is None
        event.set()
        thread.join()
        until = time.monotonic() + 60
        while not midflight.status()["queued"] and time.monotonic() < until:
            pass
        assert lib.work(event) == "old"
        assert midflight.poll().outcome == "committed" and lib.work(event) == "OLD"
        """, "poll")
