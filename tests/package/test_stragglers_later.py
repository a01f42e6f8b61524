"""Frames that an update could not move are moved later, or forgotten when they end. In: threads, coroutines, generators in older code.
Out: what they run, what status() says of them, what is still held."""

import sys
import textwrap

import pytest
from helpers import finish, write

LIB = '''
def loop(lock, gate, out):
    while out is not None:
        n = range(lock)
        out.put(("old", len(n)))
        gate.wait()


async def worker(queue, out):
    while True:
        job = await queue.get()
        done = list(map(lambda work: work(), [job]))
        out.put(("old", done))
        queue.task_done()


def numbers():
    n = 0
    while True:
        n += 1
        yield "item", n


def once(lock):
    kept = "old"
    n = range(lock)
    return kept, len(n)
'''

PRELUDE = """
import asyncio, gc, os, queue, threading, time, weakref
import midflight
midflight.start(roots=[os.getcwd()], exclude=["script.py"]%s)
import lib
TEXT = open("lib.py").read()
NEW = TEXT.replace('"old"', '"new"')
committed = threading.Semaphore(0)
midflight.on("committed", lambda report: committed.release())
out = queue.SimpleQueue()
def save(text):
    with open("lib.py.part", "w") as file:
        file.write(text)
    os.replace("lib.py.part", "lib.py")
class Gate:
    "Waits in a call of a Python function."
    def __init__(self):
        self.inside, self.opened = threading.Semaphore(0), threading.Semaphore(0)
    def wait(self):
        self.inside.release()
        self.opened.acquire()
class Lock(Gate):
    "C code stands between the caller and the wait."
    def __index__(self):
        self.wait()
        return 1
def begin(function, *gates):
    threading.Thread(target=function, args=gates, daemon=True).start()
    assert gates[0].inside.acquire(timeout=60)
def names():
    return sorted(entry["name"] for entry in midflight.status()["stragglers"])
def until(condition):
    end = time.monotonic() + 60
    while not condition() and time.monotonic() < end:
        time.sleep(0.001)
    assert condition()
"""


@pytest.fixture
def program(tmp_path):
    """Run a script beside lib.py; its asserts are the test's."""

    def run(script, settings=""):
        write(tmp_path, {"lib.py": LIB, "script.py": PRELUDE % settings + textwrap.dedent(script)})
        code, out, errors = finish([sys.executable, "script.py"], tmp_path, timeout=100)
        assert code == 0, errors
        return out

    return run


def test_a_thread_is_moved_without_another_update(program):
    program("""
        lock, gate = Lock(), Gate()
        begin(lib.loop, lock, gate, out)
        midflight.watch([os.getcwd()])
        save(NEW)
        assert committed.acquire(timeout=60)
        lock.opened.release()
        out.get(timeout=60)                             # one more old one before Python 3.12
        assert gate.inside.acquire(timeout=60)
        until(lambda: not names())
        gate.opened.release()
        assert lock.inside.acquire(timeout=60)
        lock.opened.release()
        assert out.get(timeout=60) == ("new", 1) and len(midflight.history()) == 1
        """)


def test_a_coroutine_is_moved_without_another_update(program):
    program("""
        midflight.watch([os.getcwd()])
        def job():
            save(NEW)
            assert committed.acquire(timeout=60)
        async def main():
            jobs = asyncio.Queue()
            task = asyncio.create_task(lib.worker(jobs, out))
            for work in (lambda: 1, job, lambda: 3):
                jobs.put_nowait(work)
                await jobs.join()
                while names():
                    await asyncio.sleep(0.001)
            task.cancel()
        asyncio.run(main())
        said = [out.get(timeout=60) for _ in range(3)]
        assert said[0] == ("old", [1]) and said[2] == ("new", [3]) and len(midflight.history()) == 1, said
        """)


def test_status_names_them_until_they_end(program):
    program("""
        lock, generator = Lock(), lib.numbers()
        assert next(generator) == ("item", 1)
        begin(lib.once, lock)
        assert names() == []
        save(TEXT.replace("n = range(lock)", "n = range(lock or 2)").replace('"item", n', '"edited", n'))
        report = midflight.update()
        assert {entry.name for entry in report.stragglers} == {"once", "numbers"} == set(names()), report
        first, second = sorted(midflight.status()["stragglers"], key=lambda entry: entry["name"])
        assert first["kind"] == "generator" and second["kind"] == "frame" and first["frames"] == second["frames"] == 1
        assert first["since"] == second["since"] == report.number and first["file"] == second["file"] == os.path.abspath("lib.py")
        assert TEXT.splitlines()[second["line"] - 1].strip() == "n = range(lock)"
        generator.close()
        assert names() == ["once"]
        lock.opened.release()
        until(lambda: not names())
        """)


def test_what_was_kept_goes_with_the_last_frame(program):
    program("""
        generators = [lib.numbers() for _ in range(3)]
        for generator in generators:
            next(generator)
        code = weakref.ref(lib.numbers.__code__)
        for number in range(4):
            save(TEXT.replace('"item", n', f'"{number}", n, n'))
            assert midflight.update().outcome == "committed" and names() == ["numbers"]
        assert midflight.status()["stragglers"][0]["frames"] == 3
        del generator, generators[0]
        generators[0].close()
        assert midflight.status()["stragglers"][0]["frames"] == 1 and code() is not None
        del generators[:]
        assert names() == []
        save(TEXT.replace('"item", n', '"last", n, n'))
        assert midflight.update().outcome == "committed"
        gc.collect()
        assert code() is None
        """)


def test_the_second_edit_is_undone(program):
    program("""
        generator = lib.numbers()
        next(generator)
        save(TEXT.replace('"item", n', '"first", n'))
        assert midflight.update().stragglers and generator.gi_code is not lib.numbers.__code__
        save(TEXT)
        assert not midflight.update().stragglers and not names() and generator.gi_code is lib.numbers.__code__
        save(TEXT.replace("n += 1", "n += 5"))
        assert midflight.update().outcome == "committed" and next(generator) == ("item", 6)
        """)


def test_rule_finish(program):
    program("""
        generator = lib.numbers()
        next(generator)
        for edit in TEXT.replace('"item", n', '"first", n'), TEXT.replace("n += 1", "n += 5"):
            save(edit)
            assert midflight.update().outcome == "committed"
        assert next(generator) == ("item", 2) and next(lib.numbers()) == ("item", 5)
        """, ', stragglers="finish"')


def test_a_frame_without_a_way_is_named(program):
    program("""
        import sys
        for number in range(6 if hasattr(sys, "monitoring") else 0):
            sys.monitoring.use_tool_id(number, "test")
        lock, gate = Lock(), Gate()
        begin(lib.loop, lock, gate, out)
        save(NEW)
        report = midflight.update()
        assert [entry.name for entry in report.stragglers] == ["loop"] == names(), report
        """)


FAILING = """
    from midflight import _engine
    lock, gate = Lock(), Gate()
    begin(lib.loop, lock, gate, out)
    save(NEW)
    _engine.lever("fail_alloc", NUMBER)
    report = midflight.update()
    print(_engine.lever_counts()["fail_alloc"])
    _engine.lever("fail_alloc", 0)
    if report.outcome != "committed":
        report = midflight.update()
    for _ in range(2):
        lock.opened.release()
        said = out.get(timeout=60)
        assert gate.inside.acquire(timeout=60)
        gate.opened.release()
        assert lock.inside.acquire(timeout=60)
    assert said[0] == "new" or names() == ["loop"], report
"""


def test_a_frame_is_moved_or_named_when_memory_runs_out_at_the_end(program):
    count = int(program(FAILING.replace("NUMBER", "10 ** 9")))
    for number in range(count - 8, count):
        program(FAILING.replace("NUMBER", str(number + 1)))
