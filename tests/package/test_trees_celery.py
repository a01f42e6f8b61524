"""Celery's prefork workers: one command reaches the parent and all of its children, while tasks run; a child born later starts on it.

Runs where there are Celery and, for the broker, a Redis server (Debian's redis-server; Celery's transport over a folder loses tasks by itself).
"""

import shutil
import subprocess
from importlib.util import find_spec

import pytest
from helpers import MIDFLIGHT, PYTHON, wait_for, write
from live import Live

TASKS = """
    import os
    import lib
    from celery import Celery

    server = "redis+socket://" + os.path.abspath("redis.sock")
    app = Celery("tasks", broker=server, backend=server)
    app.conf.worker_max_tasks_per_child = 30
    app.conf.broker_connection_retry_on_startup = True

    @app.task
    def work(number):
        return os.getpid(), lib.answer(), number
    """
ASK = """
    import sys
    import tasks
    done = [tasks.work.delay(number) for number in range(int(sys.argv[1]))]
    found = [result.get(timeout=60) for result in done]
    assert [number for _, _, number in found] == list(range(len(done)))
    print(*sorted({str(answer) for _, answer, _ in found}), len({pid for pid, _, _ in found}))
    """
PATCH = """\
--- a/lib.py
+++ b/lib.py
@@ -1,2 +1,2 @@
 def answer():
-    return 1
+    return 'patched'
"""
CHILDREN = 3
SERVERS = list(filter(None, [shutil.which("redis-server")])) if find_spec("celery") else []


@pytest.fixture
def live(tmp_path, redis):
    live = Live(tmp_path)
    write(live.folder, {"tasks.py": TASKS, "ask.py": ASK, "fix.patch": PATCH})
    server = subprocess.Popen([redis, "--port", "0", "--unixsocket", live.folder / "redis.sock", "--save", "", "--dir", live.folder],
                              stdout=subprocess.DEVNULL)
    try:
        wait_for((live.folder / "redis.sock").exists, 30)
        yield live
    finally:
        server.kill()
        server.wait()


def ask(live, count=40):
    """What as many tasks answer, and how many processes have worked at them."""
    done = subprocess.run([*PYTHON, "ask.py", str(count)], cwd=live.folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    answer, processes = done.stdout.split()
    return answer, int(processes)


@pytest.mark.parametrize("redis", SERVERS, ids=["redis"] * len(SERVERS))
def test_celery_under_load(live):
    with live.program(*MIDFLIGHT, "run", "--no-watch", "-m", "celery", "-A", "tasks", "worker", "--pool", "prefork", "--concurrency", str(CHILDREN),
                      "--loglevel", "ERROR", "--without-gossip", "--without-mingle", "--without-heartbeat") as worker:
        master = worker.process.pid

        def children():
            return {one["pid"] for one in live.json("status", master)["processes"]} - {master} if live.sockets() else set()

        def epochs():
            return {one["epoch"] for one in live.json("status", master)["processes"]}

        try:
            wait_for(lambda: len(children()) == CHILDREN, 60)
            assert ask(live)[0] == "1"
            load = subprocess.Popen([*PYTHON, "ask.py", "200"], cwd=live.folder, stdout=subprocess.PIPE, text=True)
            try:
                done = live.json("hotfix", master, "fix.patch")
                assert done["outcome"] == "committed" and len(done["processes"]) == 1 + CHILDREN, done
                assert load.communicate(timeout=120)[0].split()[-2] == "patched" and load.returncode == 0     # no task lost, none failed
            finally:
                load.kill()
                load.wait()
            assert ask(live)[0] == "patched" and epochs() == {done["epoch"]}
            first = children()
            assert ask(live, 150)[0] == "patched"
            wait_for(lambda: len(children()) == CHILDREN and not children() & first, 60)      # Celery has replaced each of them meanwhile
            assert ask(live)[0] == "patched" and epochs() == {done["epoch"]}, worker.errors()
            assert live.json("undo", master)["outcome"] == "committed"
            assert ask(live)[0] == "1" and epochs() == {None}
        finally:
            worker.process.terminate()
            worker.process.wait(60)
