"""Children that time updates: one edit after the other of a generated program, with one tool. Nothing is timed but the tool's call.

Every update is followed by a call that has to show the new code.
"""

import gc
import hashlib
import importlib
import os
import sys
import threading
import time

import programs
import tools

now = time.perf_counter


def load(root, name, source):
    path = os.path.join(root, name + ".py")
    programs.write(path, source)
    if root not in sys.path:
        sys.path.insert(0, root)
    importlib.invalidate_caches()
    return path, importlib.import_module(name)


def repeat(step, count, seconds, least=2):
    """Times of step(1), step(2) ... until enough."""
    times, end = [], now() + seconds
    while len(times) < count and (now() < end or len(times) < least):
        times.append(step(len(times) + 1))
    return times


def two_texts(path, source):
    """Texts 0 and 1 lie ready beside the file; what is returned puts one in its place, as a save would. Making the text

    between two updates would leave the caches cold that a program's own work leaves as they are.
    """
    for value in (0, 1):
        with open(f"{path}.{value}", "w", encoding="utf-8") as stream:
            stream.write(source(value))

    def write(i):
        os.utime(f"{path}.{i % 2}", ns=(time.time_ns(),) * 2)
        os.link(f"{path}.{i % 2}", path + ".part")
        os.replace(path + ".part", path)
    return write


def stepper(tool, path, write, check):
    def step(i):
        write(i)
        begun = now()
        tool.update([path])
        took = now() - begun
        if not check(i):
            raise RuntimeError("the edit has no effect")
        return took
    return step


def one_function(root, tool, lines, place, count, seconds):
    """A value in one function, in the middle, or in the first one, a line more or less besides, so that all that follows moves."""
    tool = tools.make(tool, root)
    name = programs.middle(lines) if place == "middle" else "f0"

    def source(i):
        text = programs.text(lines, name, i)
        return text.replace('Count 0."""\n', 'Count 0."""\n    a = a + 0\n', 1) if place == "top" and i else text
    path, module = load(root, "target", source(0))
    tool.ready()
    step = stepper(tool, path, two_texts(path, source), lambda i: getattr(module, name)(1) == i % 2)
    return repeat(step, count, seconds)


def floors(root, lines, count, seconds):
    """Times of: compile of the file, compile of the function alone, read and hash of the file."""
    text = programs.text(lines, programs.middle(lines), 1)
    path = os.path.join(root, "target.py")
    programs.write(path, text)
    alone = programs.FUNCTION.format(i=50, value=1)

    def read():
        with open(path, "rb") as stream:
            hashlib.blake2b(stream.read()).digest()

    def timed(call):
        def step(i):
            begun = now()
            call()
            return now() - begun
        return repeat(step, count, seconds)
    return {"file": timed(lambda: compile(text, path, "exec", dont_inherit=True)),
            "function": timed(lambda: compile(alone, path, "exec", dont_inherit=True)), "read": timed(read)}


STATEMENTS = {"constant": ("LIMIT = {value}\n", lambda m, i: m.LIMIT == i % 2),
              "decorated": ("@functools.lru_cache\ndef decorated(a):\n    total = {value}\n    for x in range(a):\n        total += x\n    return total\n",
                            lambda m, i: m.decorated(1) == i % 2)}


def statement(root, tool, kind, count, seconds):
    """An edit that must run a statement, in a module of 1,000 lines; with it the compile of the statement alone."""
    tool = tools.make(tool, root)
    text, check = STATEMENTS[kind]
    source = lambda i: programs.text(1000, head="import functools\n" + text.format(value=i) + "\n\n")  # noqa: E731
    path, module = load(root, "target", source(0))
    tool.ready()
    step = stepper(tool, path, two_texts(path, source), lambda i: check(module, i))
    times = repeat(step, count, seconds)

    def bare(i):
        alone = text.format(value=i)
        begun = now()
        compile(alone, path, "exec", dont_inherit=True)
        return now() - begun
    return {"update": times, "compile": repeat(bare, 200, 1)}


# ---- beside much that lives ----------------------------------------------------------------------------------------------

def crowd(kind, root, module):
    """What lives besides; returned so that it goes on living."""
    if kind == "objects":
        return [[] for _ in range(5_000_000)]
    if kind == "objects, aged":
        old = [[] for _ in range(5_000_000)]
        import random
        random.Random(1).shuffle(old)
        return [[one] for one in old[:2_500_000]]
    if kind == "modules":
        return [importlib.import_module(name) for name in programs.many(root, 2000)]
    if kind == "importers":
        source = lambda i: f"from target import f27\n\n\ndef use{i}():\n    return f27(1)\n"  # noqa: E731
        return [importlib.import_module(name) for name in programs.many(root, 1000, source)]
    if kind == "instances":
        return [module.C5(i) for i in range(1_000_000)]
    return None


def beside(root, kind, edited):
    """Updates in turns with another process: a function or method of a module of 1,000 lines."""
    tool = tools.make("midflight", root)
    path, module = load(root, "target", programs.text(1000, edited, 0))
    kept = crowd(kind, root, module)
    tool.ready()
    gc.collect()
    count = [0]
    owner, _, name = edited.rpartition(".")

    def check(i):
        if owner:
            return getattr(kept[7] if kind == "instances" else module.C5(0), name)(1) == i % 2
        return getattr(module, name)(1) == i % 2
    step = stepper(tool, path, two_texts(path, lambda i: programs.text(1000, edited, i)), check)

    def turn(number):
        times = []
        for _ in range(number):
            count[0] += 1
            times.append(step(count[0]))
        return times
    return turn


# ---- the pause -------------------------------------------------------------------------------------------------------------

def pause(root, functions, count):
    """All functions of a module exchanged: what the report says, and the longest gap that a spinning thread sees."""
    tool = tools.make("midflight", root)
    source = lambda i: "".join(programs.FUNCTION.format(i=k, value=i) for k in range(functions))  # noqa: E731
    path, module = load(root, "target", source(0))
    tool.ready()
    said, gaps, took, stop = [], [], [], []
    longest = [0.0]

    def spin():
        last = now()
        while not stop:
            this = now()
            if this - last > longest[0]:
                longest[0] = this - last
            last = this
    thread = threading.Thread(target=spin)
    thread.start()
    for i in range(1, count + 1):
        programs.write(path, source(i))
        time.sleep(0.02)
        longest[0] = 0.0
        begun = now()
        report = tool.update([path])
        took.append(now() - begun)
        time.sleep(0.001)
        gaps.append(longest[0])
        said.append(report.pause_ms)
        assert module.f0(1) == i and len(report.changed) == functions
    stop.append(1)
    thread.join()
    return {"said": said, "gap": gaps, "update": took}


# ---- an update that walks the heap -----------------------------------------------------------------------------------------

def allocated(objects, aged):
    """So many lists, in order of allocation or as a heap that has lived: freed at random, and allocated into the holes."""
    kept = [[] for _ in range(objects * 2 if aged else objects)]
    if aged:
        import random
        random.Random(1).shuffle(kept)
        del kept[objects // 2:]
        kept += [[] for _ in range(objects - len(kept))]
    return kept


def walk(root, objects, aged, count):
    """A function of which somebody holds a twin: only a walk of the heap finds it."""
    import types
    tool = tools.make("midflight", root)
    path, module = load(root, "target", programs.text(1000, "f27", 0))
    kept = allocated(objects, aged)
    twin = types.FunctionType(module.f27.__code__, vars(module))
    tool.ready()
    gc.collect()
    step = stepper(tool, path, two_texts(path, lambda i: programs.text(1000, "f27", i)), lambda i: module.f27(1) == twin(1, 1) == i % 2)
    times = repeat(step, count, 30)
    assert len(kept) == objects
    return {"update": times, **collector(twin)}


def collector(obj):
    """What the interpreter itself takes for a look at this heap."""
    def taken(call, *arguments):
        begun = now()
        call(*arguments)
        return now() - begun
    return {"collect": [taken(gc.collect) for _ in range(5)], "referrers": [taken(gc.get_referrers, obj) for _ in range(5)]}


SLOTS = "class Slotted:\n    __slots__ = ('a',{more})\n\n    def __init__(self, a):\n        self.a = a\n{init}"


def layout(root, instances, first):
    """A slot with a value added to a class of which instances live. `first`: those it has besides 'a'; with none the new slot finds room in
    the instances, with one it does not. Once: what is removed again would be remembered for an undo."""
    tool = tools.make("midflight", root)
    path, module = load(root, "target", SLOTS.format(more=first, init=""))
    held = [module.Slotted(i) for i in range(instances)]
    tool.ready()
    gc.collect()

    def source(i):
        return SLOTS.format(more=first + " 'b'," if i else first, init="        self.b = 0\n" if i else "")

    def check(i):
        return hasattr(held[0], "b") == bool(i % 2) and type(held[0]) is module.Slotted and held[-1].a == instances - 1
    step = stepper(tool, path, two_texts(path, source), check)
    return {"update": [step(1)], **collector(held[0])}
