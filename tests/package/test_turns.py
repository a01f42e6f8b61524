"""Threads that update at the same time take turns, also in a child that is forked while one of them has its turn."""
import sys

from helpers import finish, write

FILES = {f"m{i}.py": "def f():\n    return 0\n" for i in range(6)}
TURNS = """
    import os, threading
    import midflight
    import m0, m1, m2, m3, m4, m5
    midflight.start(roots=[os.getcwd()])
    modules, outcomes = [m0, m1, m2, m3, m4, m5], []
    begin = threading.Barrier(len(modules))

    def updates(module):
        begin.wait()
        for n in range(1, 21):
            with open(module.__file__, "w") as file:
                file.write("def f():\\n    return " + str(n) + "\\n" + "TOTAL = sum(range(200_000))\\n" + "# longer each time\\n" * n)
            outcomes.extend(midflight.update([module.__file__]).outcome for _ in range(2))

    threads = [threading.Thread(target=updates, args=[module]) for module in modules]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    midflight.update()
    print(set(outcomes) <= {"committed", "skipped"}, len(outcomes), [module.f() for module in modules])
    """
FORK = """
    import os, threading
    import midflight
    import m0, m1
    midflight.start(roots=[os.getcwd()])
    inside, go_on = threading.Event(), threading.Event()

    def update(module, more=""):
        with open(module.__file__, "w") as file:
            file.write("def f():\\n    return 'new'\\n" + more)
        return midflight.update([module.__file__]).outcome

    thread = threading.Thread(target=update, args=[m0, "import __main__\\n__main__.inside.set()\\n__main__.go_on.wait()\\n"])
    thread.start()
    inside.wait()
    pid = os.fork()
    if pid == 0:
        os._exit(7 if update(m1) == "committed" and m1.f() == "new" else 8)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    go_on.set()
    thread.join()
    print(m0.f(), update(m1))
    """


def test_many_threads(tmp_path):
    write(tmp_path, {"turns.py": TURNS, **FILES})
    code, out, err = finish([sys.executable, "turns.py"], tmp_path, timeout=200)
    assert (code, out) == (0, "True 240 [20, 20, 20, 20, 20, 20]\n"), err


def test_a_child_of_a_fork_in_the_midst_of_an_update(tmp_path):
    write(tmp_path, {"turns.py": FORK, **FILES})
    code, out, err = finish([sys.executable, "-W", "ignore", "turns.py"], tmp_path)
    assert (code, out) == (0, "7\nnew committed\n"), err


UNDO = """
    import os, sys, threading
    import midflight
    import m0, m1
    midflight.start(roots=[os.getcwd()])

    def write(module, text):
        with open(module.__file__, "w") as file:
            file.write(text)

    def undo():
        reports.append(midflight.undo())

    def wait_for_its_turn():
        "Run by the text of m0, in the middle of its update: another thread asks to undo what is not over yet."
        thread.start()
        while (frame := sys._current_frames().get(thread.ident)) is None or frame.f_code is not midflight.undo.__code__:
            pass
        for _ in range(1000):
            os.sched_yield()

    reports, thread = [], threading.Thread(target=undo)
    write(m1, "def f():\\n    return 'new'\\n")
    first = midflight.update([m1.__file__])
    write(m0, "import __main__\\n__main__.wait_for_its_turn()\\ndef f():\\n    return 'new'\\n")
    midflight.update([m0.__file__])
    thread.join()
    print(reports[0].outcome, m0.f(), m1.f(), midflight.api.chain() == [first.number])
    print(midflight.undo().outcome, m0.f(), m1.f(), midflight.api.chain())
    """


def test_an_undo_that_waits_takes_back_what_is_newest_when_its_turn_comes(tmp_path):
    write(tmp_path, {"turns.py": UNDO, **FILES})
    code, out, err = finish([sys.executable, "turns.py"], tmp_path)
    assert (code, out) == (0, "committed 0 new True\ncommitted 0 0 []\n"), err
