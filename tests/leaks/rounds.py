"""rounds.py -- updates a case's program again and again and counts what stays.

    python tests/leaks/rounds.py KIND CASE

Owns the rounds and the counting. In: a case of tests/cases with the form of a program (before/, after/, setup()), a kind:

    identity    the same source
    edits       to the new source and back to the old, two updates
    rejected    to the new source with an error at its end, all of it staged
    undone      to the new source and undone

After each round the drive's settle(state), where it has one, drops what the program itself has piled up: a log of its own, a thread that it
has started. Then what is there is counted, the collector runs, and it is counted again.

Out: one JSON object: {"outcomes": ..., "growth": {"references", "blocks", "objects", "classes"}, "garbage": {"objects", "classes"}}, on an
average of some rounds when the caches are full. Growth is what the collector cannot free, garbage what nobody else has freed: a class that
goes is always that, since classes are cycles, and with it what it holds. References are counted by debug builds only.
"""
import array
import gc
import importlib
import json
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

import levers  # noqa: E402
import runner  # noqa: E402

NUMBERED = 260      # updates
WARM = 105          # rounds at most; the engine remembers 100 updates
AGAIN = 8           # rounds with a full collection each, which empties the free lists
MEASURED = 32       # rounds
BROKEN = "\nraise RuntimeError('at the end')\n"


class Program:
    def __init__(self, case, src):
        import midflight
        from midflight import _engine
        self.midflight, self.engine, self.src, self.case = midflight, _engine, src, case
        runner.copy_tree(os.path.join(case, "before"), src)
        midflight.start(roots=[src], **runner.read_meta(case).get("settings", {}))
        run = runner.Run(case, src, "midflight", "", {})
        run.midflight = midflight
        run.load_drive()
        setup = run.drive.setup
        run.state = setup(run) if setup.__code__.co_argcount else setup()
        self.settle = run.settle
        self.paths = sorted(os.path.join(root, name) for root, _, names in os.walk(src) for name in names
                            if name.endswith(".py"))
        self.old = {path: self.read(path) for path in self.paths}
        self.new = dict(self.old)
        for path in self.old:
            after = os.path.join(case, "after", os.path.relpath(path, src))
            if os.path.exists(after):
                self.new[path] = self.read(after)
        self.changed = [path for path in self.paths if self.old[path] != self.new[path]]

    @staticmethod
    def read(path):
        with open(path, "rb") as f:
            return f.read()

    def update(self, texts):
        for path in self.changed:
            with open(path, "wb") as f:
                f.write(texts[path])
        return self.midflight.update(self.changed).outcome

    def identity(self):
        self.engine.lever("identity", 1)
        outcome = self.midflight.update(self.changed).outcome
        self.engine.lever("identity", 0)
        return [outcome]

    def edits(self):
        return [self.update(self.new), self.update(self.old)]

    def rejected(self):
        broken = {path: text + BROKEN.encode() for path, text in self.new.items()}
        return [self.update(broken), self.update(self.old)]

    def undone(self):
        return [self.update(self.new), self.midflight.undo().outcome]


NAMES = ("references", "blocks", "objects", "classes")
ROW = len(NAMES) + 2


def count(into, at):
    """References, memory blocks, tracked objects, classes, into memory that is there already."""
    objects = gc.get_objects()
    into[at + 3], into[at + 2] = sum(isinstance(obj, type) for obj in objects), len(objects) - 1
    del objects
    into[at + 1] = sys.getallocatedblocks()
    into[at] = getattr(sys, "gettotalrefcount", int)()


def measure(program, kind):
    def a_round():
        outcomes = getattr(program, kind)()
        program.settle()
        levers.clear_caches()       # each time: what is cached once is one object in all that the engine remembers
        return outcomes

    for _ in range(NUMBERED):   # numbers below are shared objects, those of the reports to come are not
        program.identity()
    outcomes = a_round()
    for _ in range(WARM):
        if len(program.engine.history()) < 100:
            a_round()
    counts = array.array("q", [0] * (ROW * (AGAIN + MEASURED)))
    gc.set_threshold(0)         # it never comes by itself, but is not turned off
    for at in range(0, len(counts), ROW):
        a_round()
        count(counts, at)
        counts[at + 5] = counts[at + 3]
        counts[at + 4] = gc.collect()
        count(counts, at)
        counts[at + 5] -= counts[at + 3]
    growth = {name: (counts[i - ROW] - counts[ROW * (AGAIN - 1) + i]) / MEASURED for i, name in enumerate(NAMES)}
    garbage = {name: sum(counts[ROW * AGAIN + i::ROW]) / MEASURED for name, i in (("objects", 4), ("classes", 5))}
    return {"outcomes": outcomes, "growth": growth, "garbage": garbage}


def main():
    kind, name = sys.argv[1:]
    sys.dont_write_bytecode = True
    with tempfile.TemporaryDirectory() as work:
        src = os.path.join(os.path.realpath(work), "src")
        os.makedirs(src)
        os.chdir(src)
        sys.path[0] = src
        importlib.invalidate_caches()
        result = measure(Program(os.path.join(runner.CASES, name), src), kind)
        os.chdir(work)
    print(json.dumps(result))
    sys.stdout.flush()
    os._exit(0)         # threads of the case may run still


if __name__ == "__main__":
    main()
