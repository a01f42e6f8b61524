"""What records keep for an undo ends with them, and is as it was. In: instances that nothing else holds. Out: how many live, and
what their slots hold."""

import pytest
from helpers import PYTHON, finish, write

MODULE = """
    X = {x}


    class Node:
        __slots__ = ({slots})

        def __init__(self):
            self.{last} = None
            self.peer = None
"""
PRELUDE = """
import gc, sys
import midflight
from helpers import save
from pathlib import Path

sys.path.insert(0, ".")
import m
midflight.start(roots=["."])
PATH = Path("m.py").resolve()


def edit(slots, x="None"):
    save(PATH, MODULE.format(slots=slots, last=slots[-2], x=x))
    assert midflight.update([PATH]).outcome == "committed"


def nodes():
    gc.collect()
    return [obj for obj in gc.get_objects() if type(obj) is m.Node]
"""
BOTH, ONE = "'peer', 'b'", "'peer', 'c'"        # what comes is filled: by __init__, to None


def run(tmp_path, body):
    write(tmp_path, {"m.py": MODULE.format(slots=BOTH, last="b", x="None")})
    code = "BOTH, ONE, MODULE = %r, %r, %r\n%s%s" % (BOTH, ONE, MODULE, PRELUDE, body)
    rc, out, err = finish([*PYTHON, "-c", code], tmp_path, PYTHONPATH=__file__.rpartition("/")[0])
    assert rc == 0, err
    return out


@pytest.mark.parametrize("held", ["a, b", "[a], (b,)"], ids=["cycle", "containers"])
def test_dropped_instances_go_with_the_record(tmp_path, held):
    out = run(tmp_path, """
for _ in range(130):
    a, b = m.Node(), m.Node()
    a.peer, b.peer = %s
    a.b = b.b = 1
    edit(ONE)
    assert a.peer is not None and not hasattr(a, "b")
    del a, b
    gc.collect()
    edit(BOTH)
print(len(nodes()))
""" % ", ".join(reversed(held.split(", "))))
    assert int(out) <= 2 * 50, "each update has recorded again what earlier ones keep"


def test_what_comes_back_has_its_last_value(tmp_path):
    run(tmp_path, """
m.X = node = m.Node()
node.b = 1
edit(ONE)
edit(BOTH)
assert node.b is None
node.b = 2
edit(BOTH, "5")
del node            # the records alone hold it
for slots in ONE, BOTH, ONE, BOTH:
    edit(slots, "5")
for _ in range(4):
    assert midflight.undo().outcome == "committed" and m.X == 5
assert [node.b for node in nodes()] == [2]
assert midflight.undo().outcome == "committed"
assert m.X.b == 2
for _ in range(2):
    assert midflight.undo().outcome == "committed"
assert m.X.b == 1
""")
