"""Children that live on while they are edited: from save to new code, idle, torn reads, ten thousand updates, steady state, memory."""

import array
import ctypes
import gc
import importlib
import itertools
import os
import random
import statistics
import sys
import threading
import time

import programs
import tools
from edits import load

now = time.perf_counter


def watched(root, spin, extra):
    """Waits for a save, made by the other side, and answers with the moment at which its code was first called.

    Idle: the main thread sleeps, the call is made by whoever is told of the commit. Spinning: the main thread calls.
    """
    import midflight
    midflight.start(roots=[root])
    _, module = load(root, "target", programs.text(1000, "f27", 0))
    for name in programs.many(root, extra):
        importlib.import_module(name)
    midflight.watch()
    told, moment = threading.Event(), {}

    def committed(_):
        moment[module.f27(1)] = time.monotonic_ns()
        told.set()
    if not spin:
        midflight.on("committed", committed)

    def sleeping(number):
        told.wait(10)
        told.clear()
        return moment.get(number)

    def spinning(number, call=module.f27):
        end = now() + 10
        while call(1) != number:
            if now() > end:
                return None
        return time.monotonic_ns()
    return spinning if spin else sleeping


def handover(root, spin):
    """One floor of that: a plain thread that waits in a read of a pipe and stores what comes."""
    path = os.path.join(root, "target.py.part")
    os.mkfifo(path)
    told = Told()

    def wait():
        with open(path, "rb", buffering=0) as pipe:
            while data := pipe.read(8):
                told.tell(int(data))
    threading.Thread(target=wait, daemon=True).start()
    return told.spinning if spin else told.sleeping


def bare(root, spin):
    """Another: a plain thread that waits for the close (inotify), reads the file, compiles the one function of which it knows that it has changed,
    and calls it; it compares nothing, keeps nothing, and tells nobody."""
    libc = ctypes.CDLL(None, use_errno=True)
    events = libc.inotify_init1(os.O_CLOEXEC)
    if events < 0 or libc.inotify_add_watch(events, os.fsencode(root), CLOSE_WRITE) < 0:
        raise OSError(ctypes.get_errno(), "inotify")
    path = os.path.join(root, "target.py")
    told = Told()

    def wait():
        while data := os.read(events, 4096):
            if b"target.py" in data:
                with open(path, encoding="utf-8") as stream:
                    text = stream.read()
                begin = text.index("def f27(")
                names = {}
                exec(compile(text[begin:text.index("\ndef ", begin)], path, "exec"), names)
                told.tell(names["f27"](1))
    threading.Thread(target=wait, daemon=True).start()
    return told.spinning if spin else told.sleeping


CLOSE_WRITE = 8          # IN_CLOSE_WRITE


class Told:
    """The moment at which a thread had a number, for the main thread that sleeps or spins."""

    def __init__(self):
        self.number, self.moment, self.event = 0, {}, threading.Event()

    def tell(self, number):
        self.number = number
        self.moment[number] = time.monotonic_ns()
        self.event.set()

    def sleeping(self, number):
        self.event.wait(10)
        self.event.clear()
        return self.moment.get(number)

    def spinning(self, number):
        end = now() + 10
        while self.number != number:
            if now() > end:
                return None
        return time.monotonic_ns()


def idle(root, active, seconds, modules):
    """Processor time, threads and switches of a process that waits."""
    if active:
        import midflight
        midflight.start(roots=[root])
    sys.path.insert(0, root)
    for name in programs.many(root, modules):
        importlib.import_module(name)
    if active:
        midflight.watch()
    time.sleep(0.5)

    def switches():
        with open("/proc/self/status") as stream:
            return sum(int(line.split()[1]) for line in stream if "ctxt_switches" in line)
    before, cpu = switches(), time.process_time()
    time.sleep(seconds)
    cpu = time.process_time() - cpu
    return {"percent": 100 * cpu / seconds, "switches": switches() - before, "threads": len(os.listdir("/proc/self/task"))}


def torn(root, tool, updates, seconds):
    """Four threads call a function of each of two modules that change together.

    A reader that sees the same value in the first module before and after must see it in the second, too.
    """
    tool = tools.make(tool, root)
    source = lambda i: f"def value():\n    return {i}\n"  # noqa: E731
    one, two = (load(root, name, source(0)) for name in ("one", "two"))
    tool.ready()
    for i in range(1, updates + 1):                      # written before: each write would wait for the readers
        for path, _ in (one, two):
            with open(f"{path}.{i}", "w") as stream:
                stream.write(source(i))
    counts = {"reads": 0, "torn": 0, "exceptions": 0}
    stop = []

    def read(a=one[1], b=two[1]):
        reads = broken = raised = 0
        while not stop:
            try:
                first = a.value()
                second = b.value()
                broken += first == a.value() and second != first
            except Exception:
                raised += 1
            reads += 1
            if not reads % 500:
                time.sleep(0.0005)
        counts["reads"] += reads
        counts["torn"] += broken
        counts["exceptions"] += raised
    threads = [threading.Thread(target=read) for _ in range(4)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.0001)
    for thread in threads:
        thread.start()
    done, end = 0, now() + seconds
    while done < updates and now() < end:
        done += 1
        for path, _ in (one, two):
            os.utime(f"{path}.{done}", ns=(time.time_ns(),) * 2)  # whoever goes by the time must see that it is new
            os.replace(f"{path}.{done}", path)
        tool.update([one[0], two[0]])
    stop.append(1)
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval)
    right = one[1].value() == two[1].value() == done
    return {**counts, "updates": done, "right": right}


def resident():
    with open("/proc/self/smaps_rollup") as stream:
        return sum(int(line.split()[1]) * 1024 for line in stream if line.startswith(("Private_Dirty", "Private_Clean", "Swap:")))


def endless(root, kind):
    """One function, or one constant, updated again and again: so often as is asked; asked for none, what there is now."""
    tool = tools.make("midflight", root)
    source = {"function": lambda i: programs.FUNCTION.format(i=0, value=i), "constant": lambda i: f"LIMIT = {i}\n\n\ndef f0(a):\n    return LIMIT\n"}[kind]
    path, module = load(root, "target", source(0))
    tool.ready()
    done = 0

    def turn(number):
        nonlocal done
        times = array.array("d")                         # a list would count as ours
        for _ in range(number):
            done += 1
            programs.write(path, source(done))
            begun = now()
            tool.update([path])
            times.append(now() - begun)
            assert module.f0(1) == done
        if number:
            return statistics.median(times)
        del times
        gc.collect()
        return [len(gc.get_objects()), sys.getallocatedblocks(), resident()]
    return turn


# ---- steady state ----------------------------------------------------------------------------------------------------------

def steady(root, what, copies=48):
    """Calls or attribute reads in turns with another process. Turn 0: from now on midflight watches, and has updated all that is called."""
    junk = [bytes(random.randrange(500)) for _ in range(random.randrange(5000))]     # so that places in memory differ from process to process
    source = lambda i: "".join(  # noqa: E731
        f"class Point{k}:\n    scale = 1\n\n    def __init__(self):\n        self.x = {i}\n\n\ndef call{k}(a):\n    return a + {i}\n\n\n"
        for k in range(copies))
    path, module = load(root, "target", source(0))
    functions = [getattr(module, f"call{k}") for k in range(copies)]
    points = [getattr(module, f"Point{k}")() for k in range(copies)]
    body = {"calls": "one(1); one(1); one(1); one(1)", "attributes": "one.x; one.scale; one.x; one.scale"}[what]
    loops = []
    for one in {"calls": functions, "attributes": points}[what]:
        names = {"repeat": itertools.repeat}             # a loop for each, as the interpreter fits it to what it meets
        exec(f"def loop(one, number):\n    for _ in repeat(None, number):\n        {body}\n", names)
        loops.append((names["loop"], one))

    def activate():
        import midflight
        tool = tools.make("midflight", root)
        tool.ready()
        programs.write(path, source(1))
        tool.update([path])
        midflight.watch()
        assert all(f(1) == 2 for f in functions) and all(type(p)().x == 1 for p in points) and junk is not None

    def turn(number):
        if number == 0:
            return activate()
        begun = time.process_time()                      # what others of the machine take does not count
        for loop, one in loops:
            loop(one, number // copies)
        return [time.process_time() - begun]
    return turn


def cold_import(root, active, modules):
    """Import of modules from their .pyc files, by a process that has just started."""
    import py_compile
    names = programs.many(root, modules, programs.larger)
    for name in names:
        py_compile.compile(os.path.join(root, name + ".py"), doraise=True)
    sys.path.insert(0, root)
    if active:
        import midflight
        midflight.start(roots=[root])
        midflight.watch()
        time.sleep(0.05)
    begun = time.process_time()                          # the engine's thread counts, other programs do not
    for name in names:
        __import__(name)
    return time.process_time() - begun


def memory(root, active, modules):
    """Private memory after so many imports, and the bytes of their text."""
    if active:
        import midflight
        midflight.start(roots=[root])
    sys.path.insert(0, root)
    names = programs.many(root, modules, programs.larger)
    for name in names:
        importlib.import_module(name)
    if active:
        midflight.status()
    time.sleep(1)
    gc.collect()
    return {"private": resident(), "text": sum(os.path.getsize(os.path.join(root, name + ".py")) for name in names)}


def first(root):
    """The first update of a process, which looks for plug-ins, beside the second."""
    import midflight
    path, module = load(root, "target", programs.text(1000, "f27", 0))
    midflight.start(roots=[root])
    times = []
    for i in (1, 2):
        programs.write(path, programs.text(1000, "f27", i))
        begun = now()
        midflight.update([path])
        times.append(now() - begun)
        assert module.f27(1) == i
    return times
