"""One command for a parent and its workers: all reach the same epoch, or all go back; workers born later start on it."""

import os
import socket
import textwrap
import threading
import time

import pytest
from helpers import MIDFLIGHT, PYTHON, wait_for, write
from live import Raw, ask

REQUESTS = 10_000 if os.environ.get("MIDFLIGHT_TEST_ALL") == "1" else 1_500

WSGI = """
    import os
    import lib
    def app(environ, start_response):
        body = f"{os.getpid()} {lib.answer()}".encode()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]
    """
PATCH = """\
--- a/lib.py
+++ b/lib.py
@@ -1,2 +1,2 @@
 def answer():
-    return 1
+    return 'patched'
"""
SCRIPT = """\
import lib
def answer():
    return 'scripted'
lib.answer = answer
"""


class Load:
    """Clients of a web server at a unix socket, as long as the block runs; every answer but a whole 200 is a failure."""

    def __init__(self, path, clients=3):
        self.path, self.failures, self.done, self._ended = path, [], 0, False
        self.threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._ended = True
        for thread in self.threads:
            thread.join()

    def _ask(self):
        while not self._ended:
            try:
                request(self.path)
            except (OSError, ValueError) as error:
                self.failures.append(repr(error))
            self.done += 1


def request(path):
    """(pid, answer)"""
    with socket.socket(socket.AF_UNIX) as end:
        end.settimeout(30)
        end.connect(path)
        end.sendall(b"GET / HTTP/1.0\r\n\r\n")
        with end.makefile("rb") as file:
            data = file.read()
    head, _, body = data.partition(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n")[0] or not body:
        raise ValueError(data)
    pid, _, answer = body.decode().partition(" ")
    return int(pid), answer


def answers(path, workers):
    """What each worker answers, once all have."""
    found = {}
    end = time.monotonic() + 30
    while set(found) != set(workers) and time.monotonic() < end:
        pid, answer = request(path)
        found[pid] = answer
    assert set(found) == set(workers), (found, workers)
    return set(found.values())


class Server:
    """gunicorn under midflight."""

    def __init__(self, live, *options):
        write(live.folder, {"wsgi.py": WSGI})
        self.live, self.path = live, str(live.folder / "web.sock")
        self.program = live.program(*MIDFLIGHT, "run", "--no-watch", "-m", "gunicorn", "wsgi:app", "-w", "4", "-b", f"unix:{self.path}",
                                    "--no-control-socket", *options)

    def __enter__(self):
        self.program.__enter__()
        try:
            wait_for(lambda: len(self.workers()) == 4, 30)
        except AssertionError as error:
            self.program.process.kill()
            raise AssertionError(self.program.errors()) from error
        return self

    def __exit__(self, *_):
        self.program.process.terminate()
        try:
            self.program.process.wait(20)
        finally:
            self.program.__exit__()

    @property
    def master(self):
        return self.program.process.pid

    def workers(self):
        """Those that can be reached and have the application."""
        found = []
        for name in self.live.sockets():
            pid = int(name.partition(".")[0])
            try:
                with Raw(self.live.path(pid)) as end:
                    end.line()
                    if pid != self.master and "wsgi" in end.call("status")["result"]["code"]:
                        found.append(pid)
            except (OSError, TypeError, ValueError):
                continue
        return found

    def answers(self):
        return answers(self.path, self.workers())

    def renew(self, pid):
        """A worker goes, and another one comes for it."""
        os.kill(pid, 15)
        wait_for(lambda: pid not in self.workers() and len(self.workers()) == 4, 30)


def epochs(live, target):
    return {one["epoch"] for one in live.json("status", target)["processes"]}


@pytest.mark.parametrize("preload", [False, True], ids=["apart", "preload"])
def test_gunicorn_under_load(live, preload):
    with Server(live, *(["--preload"] if preload else [])) as server:
        assert server.answers() == {"1"}
        with Load(server.path) as load:
            wait_for(lambda: load.done > REQUESTS / 3, 60)
            write(live.folder, {"lib.py": "def answer():\n    return 2\n"})
            done = live.json("update", "gunicorn")
            assert done["outcome"] == "committed" and len(done["processes"]) == 5
            assert sum(one["outcome"] == "committed" for one in done["processes"]) == 4 + preload
            assert server.answers() == {"2"} and epochs(live, "gunicorn") == {done["epoch"]}
            wait_for(lambda: load.done > REQUESTS * 2 / 3, 60)
            write(live.folder, {"lib.py": "def answer(:\n"})
            assert live.json("update", "gunicorn", code=3)["phase"] == "dry run"
            write(live.folder, {"lib.py": "def answer():\n    return 3\n"})
            assert live.json("update", "gunicorn")["outcome"] == "committed"
            wait_for(lambda: load.done > REQUESTS, 60)
        assert load.failures == [] and server.answers() == {"3"}
        assert live.json("undo", "gunicorn")["outcome"] == "committed"
        assert server.answers() == {"2"} and epochs(live, "gunicorn") == {done["epoch"]}


@pytest.mark.parametrize("preload", [False, True], ids=["apart", "preload"])
@pytest.mark.parametrize("kind", ["patch", "script", "modules"])
def test_a_hotfix_and_workers_born_later(live, kind, preload):
    file, text, wanted = {"patch": ("fix.patch", PATCH, "patched"), "script": ("fix.py", SCRIPT, "scripted"),
                          "modules": ("fix.json", '{"lib": "def answer():\\n    return \'whole\'\\n"}', "whole")}[kind]
    (live.folder / "fixes").mkdir()
    (live.folder / "fixes" / file).write_text(text)
    with Server(live, *(["--preload"] if preload else [])) as server:
        done = live.json("hotfix", "gunicorn", f"fixes/{file}")
        assert done["outcome"] == "committed" and len(done["processes"]) == 5
        assert server.answers() == {wanted}
        server.renew(server.workers()[0])
        assert server.answers() == {wanted}, server.program.errors()
        assert epochs(live, "gunicorn") == {done["epoch"]}
        assert live.json("undo", "gunicorn")["outcome"] == "committed"
        assert server.answers() == {"1"}, server.program.errors()
        server.renew(server.workers()[0])
        assert server.answers() == {"1"}
        assert epochs(live, "gunicorn") == {None}


ASGI = """
    import midflight.auto
    import os
    import lib
    async def app(scope, receive, send):
        if scope["type"] != "http":
            return
        body = f"{os.getpid()} {lib.answer()}".encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]})
        await send({"type": "http.response.body", "body": body})
    """


def test_uvicorn_starts_its_workers_anew(live):
    """They import the application themselves, and ask their parent what the tree has."""
    write(live.folder, {"asgi.py": ASGI, "fix.patch": PATCH})
    path = str(live.folder / "web.sock")
    with live.program(*MIDFLIGHT, "run", "--no-watch", "-m", "uvicorn", "asgi:app", "--workers", "2", "--uds", path,
                      "--log-level", "error") as program:
        def workers():
            return {one["pid"] for one in live.json("status", program.process.pid)["processes"] if "asgi" in one["code"]}

        wait_for(lambda: live.sockets() and len(workers()) == 2, 30)
        first = workers()
        assert answers(path, first) == {"1"}
        done = live.json("hotfix", "uvicorn", "fix.patch")
        assert done["outcome"] == "committed" and answers(path, first) == {"patched"}
        os.kill(min(first), 9)
        wait_for(lambda: len(workers()) == 2 and workers() != first, 30)
        assert answers(path, workers()) == {"patched"}, program.errors()
        assert live.json("undo", "uvicorn")["outcome"] == "committed"
        assert answers(path, workers()) == {"1"}
        program.process.terminate()
        assert program.process.wait(20) is not None


POOL = """
    import multiprocessing, os, sys, threading
    import lib

    def work(number):
        return os.getpid(), lib.answer(), number

    def load(pool, counts):
        while not counts["stop"]:
            for pid, answer, number in pool.imap_unordered(work, range(50)):
                counts["done"] += 1

    def main():
        multiprocessing.set_start_method("METHOD")
        counts = {"done": 0, "stop": False}
        with multiprocessing.Pool(3) as pool:
            thread = threading.Thread(target=load, args=(pool, counts))
            thread.start()
            print("ready", flush=True)
            for line in sys.stdin:
                if line == "answers\\n":
                    found = {}
                    while len(found) < 3:
                        for pid, answer, _ in pool.map(work, range(60), chunksize=1):
                            found[pid] = answer
                    print(sorted(set(found.values())), flush=True)
                else:
                    print(counts["done"], flush=True)
            counts["stop"] = True
            thread.join()

    if __name__ == "__main__":
        main()
    """


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_pool_under_load(live, method):
    """Spawned workers are reached because the program's first line opens the door in them too."""
    write(live.folder, {"pool.py": textwrap.dedent(POOL).replace("METHOD", method)})
    if method != "fork":
        write(live.folder, {"pool.py": "import midflight.auto\n" + (live.folder / "pool.py").read_text()})
    with live.program(*(PYTHON if method != "fork" else [*MIDFLIGHT, "run", "--no-watch"]), "pool.py") as program:
        program.lines_until("ready")
        assert ask(program, "answers") == "[1]"
        wait_for(lambda: len(live.json("status", program.process.pid)["processes"]) >= 4)
        write(live.folder, {"lib.py": "def answer():\n    return 2\n"})
        done = live.json("update", program.process.pid)
        assert done["outcome"] == "committed", done
        assert ask(program, "answers") == "[2]"
        assert int(ask(program, "done")) > 0
        assert epochs(live, program.process.pid) == {done["epoch"]}
        assert program.end("")[0] == 0


REFUSES = """
    import os, sys, time
    import lib
    parent, children = os.getpid(), []
    for number in range(3):
        pid = os.fork()
        if pid == 0:
            if number == 1:
                lib.STUBBORN = True
            while os.getppid() == parent:
                time.sleep(0.01)
            os._exit(0)
        children.append(pid)
    print("ready", flush=True)
    for line in sys.stdin:
        print(eval(line), flush=True)
    for pid in children:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    """


def test_one_that_refuses_keeps_all_from_it(live):
    """In the dry run, so that nothing has happened anywhere."""
    write(live.folder, {"tree.py": REFUSES})
    with live.program(*MIDFLIGHT, "run", "--no-watch", "tree.py") as program:
        program.lines_until("ready")
        wait_for(lambda: len(live.sockets()) == 4)
        write(live.folder, {"lib.py": "STUBBORN = globals().get('STUBBORN')\nif STUBBORN:\n    raise ValueError('not with me')\n"
                                      "def answer():\n    return 2\n"})
        done = live.json("update", "tree", code=3)
        assert done["phase"] == "dry run" and "not with me" in done["why"]
        assert {one["running"] for one in live.json("status", "tree")["processes"]} == {0}
        assert ask(program, "lib.answer()") == "1"
        program.end("")


def test_one_that_fails_at_the_commit_has_all_go_back(live):
    """It passes the dry run, which asks no hook; the others have gone by then."""
    write(live.folder, {"tree.py": REFUSES, "lib.py": "STUBBORN = False\ndef answer():\n    return 1\n"
                        "def __before_update__(update):\n    if STUBBORN:\n        raise __import__('midflight').Veto('second thoughts')\n"})
    with live.program(*MIDFLIGHT, "run", "--no-watch", "tree.py") as program:
        program.lines_until("ready")
        wait_for(lambda: len(live.sockets()) == 4)
        text = (live.folder / "lib.py").read_text()
        write(live.folder, {"lib.py": text.replace("return 1", "return 2")})
        done = live.json("update", "tree", code=3)
        assert "second thoughts" in done["why"], done
        assert done["phase"] == "commit" and done["notes"] == []
        assert ask(program, "lib.answer()") == "1"
        now = live.json("status", "tree")["processes"]
        assert {one["epoch"] for one in now} == {None} and len({one["code"]["lib"]["runs"] for one in now}) == 1
        program.end("")


def test_a_file_that_changes_between_the_phases(live):
    """The agent is asked for exactly what was tried."""
    with live.program() as program:
        program.lines_until("ready")
        path = str(live.folder / "lib.py")
        write(live.folder, {"lib.py": "def answer():\n    return 2\n"})
        with Raw(live.path(program.process.pid)) as end:
            end.line()
            tried = end.call("update", dry_run=True)["result"]
            write(live.folder, {"lib.py": "def answer():\n    return 3\n"})
            refused = end.call("update", expect={path: tried["texts"][path]})
        assert refused["error"]["data"]["code"] == "MF683"
        assert ask(program, "lib.answer()") == "1"


def test_only(live):
    write(live.folder, {"tree.py": REFUSES})
    with live.program(*MIDFLIGHT, "run", "--no-watch", "tree.py") as program:
        program.lines_until("ready")
        wait_for(lambda: len(live.sockets()) == 4)
        write(live.folder, {"lib.py": "def answer():\n    return 2\n"})
        assert len(live.json("update", "tree", "--only")["processes"]) == 1
        assert sorted(one["running"] for one in live.json("status", "tree")["processes"]) == [0, 0, 0, 1]
        program.end("")
