"""children.py -- a process that is to go on from the same place many times: each time a child of it does, where nothing that the program holds
forbids a fork, so that only the first one pays for the start.

In: the folder of the program, the file in which a child writes its result. Out: where an update is about to begin, a return in each child.
"""
import json
import os
import sys
import threading
import warnings
import _thread

UNDER_WAY = "next"          # of a result: what was seen so far, by update


def descriptors():
    """Those open in this process; None where it cannot be known."""
    try:
        return {fd for fd in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + fd)}
    except FileNotFoundError:
        return None


def read_tree(src):
    """{path: (content, times)}"""
    files = {}
    for root, _, names in os.walk(src):
        for name in names:
            path = os.path.join(root, name)
            if os.path.isfile(path):
                with open(path, "rb") as f:
                    files[path] = f.read(), (os.stat(path).st_atime_ns, os.stat(path).st_mtime_ns)
    return files


def write_tree(src, files):
    """The files again as read_tree() saw them."""
    now = read_tree(src)
    for path in now.keys() - files.keys():
        os.remove(path)
    for path, (content, times) in files.items():
        if now.get(path, (None, (0, 0)))[0] != content:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                f.write(content)
        os.utime(path, ns=times)


def write_result(path, result):
    with open(path + ".part", "w") as f:
        json.dump(result, f)
    os.replace(path + ".part", path)
    sys.stdout.flush()
    sys.stderr.flush()


class Children:
    def __init__(self, src, result):
        self.src, self.result = src, result
        self.held = None

    def program_begins(self):
        """What is open from now on is the program's own: it would be one with the child's."""
        self.held = descriptors()

    def possible(self):
        """Threads and other interpreters do not live in a child."""
        interpreters = sys.modules.get("_interpreters") or sys.modules.get("_xxsubinterpreters")
        alone = threading.current_thread() is threading.main_thread() and not _thread._count() and (
            interpreters is None or len(interpreters.list_all()) == 1)
        return alone and self.held is not None and self.held == descriptors()

    def go_on(self, seen, is_done):
        """Returns in one child after the other, for as long as they pass and something of what they have `seen` is not done. The process itself
        ends as the last one does. Where no child can be, returns once."""
        if not self.possible():
            return
        files = read_tree(self.src)
        while True:
            sys.stdout.flush()
            sys.stderr.flush()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")     # the engine has a thread, for which it takes care itself
                child = os.fork()
            if child == 0:
                return
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            if status:
                os._exit(status if status > 0 else 128 - status)
            with open(self.result) as f:
                result = json.load(f)
            if result["result"] not in ("pass", "rejected") or is_done(result[UNDER_WAY]):
                os._exit(0)
            os.remove(self.result)
            seen.update(result[UNDER_WAY])
            write_tree(self.src, files)
