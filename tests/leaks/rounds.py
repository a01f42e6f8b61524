"""rounds.py -- updates a case's program again and again and counts what stays.

    python tests/leaks/rounds.py KIND CASE

Owns the rounds and the counting. In: a case of tests/cases with the form of a program (before/, after/, setup()), a kind:

    identity    the same source
    edits       to the new source and back to the old, two updates
    rejected    to the new source with an error at its end, all of it staged
    undone      to the new source and undone

After each round the drive's settle(state), where it has one, drops what the program itself has piled up: a log of its own, a class that
it has removed (a cycle, which only the collector frees), a thread that it has started.

Out: one JSON object: {"outcomes": ..., "growth": {"references", "blocks", "objects", "classes"}}, on an average of some rounds when
the caches are full. The collector does not come by itself meanwhile: what only it could free counts, unless the drive says why it may
not. References are counted by debug builds only.
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

import runner  # noqa: E402

NUMBERED = 260      # updates
WARM = 105          # rounds; the engine remembers 100 updates
REFILL = 60         # rounds; a full collection empties the free lists
MEASURED = 48       # rounds
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
        return outcomes

    for _ in range(NUMBERED):   # numbers below are shared objects, those of the reports to come are not
        program.identity()
    outcomes = a_round()
    for _ in range(WARM):
        a_round()
    counts = array.array("q", [0] * (4 * (MEASURED + 1)))
    gc.collect()
    gc.set_threshold(0)         # it never comes by itself, but is not turned off
    for _ in range(REFILL):
        a_round()
    count(counts, 0)
    for number in range(1, MEASURED + 1):
        a_round()
        count(counts, 4 * number)
    growth = [(counts[i - 4] - counts[i]) / MEASURED for i in range(4)]
    return {"outcomes": outcomes, "growth": dict(zip(NAMES, growth))}


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
