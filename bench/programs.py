"""The programs that are measured: generated sources of a given size, with one place that can be edited.

Owns: the shape of the text. In: sizes and what is edited. Out: text, and files in a folder.
"""

import os

FUNCTION = '''\
def f{i}(a, b={i}):
    """Count {i}."""
    total = {value}
    for x in range(a):
        if x % 2:
            total += x * b
        else:
            total -= x
    return total

'''
CLASS = '''\
class C{i}:
    """Counts {i}."""
    step = {i}

    def __init__(self, start):
        self.start = start
        self.seen = []

'''
METHOD = '''\
    def m{j}(self, a):
        """Count {j}."""
        total = {value}
        for x in range(a):
            if x % 2:
                total += x * self.step
        self.seen.append(a)
        return total

'''


def text(lines, edited=None, value=0, head=""):
    """A module of about so many lines: functions f0 ... and classes C0 ... with methods m0 ... m3, half and half.

    edited: "f7" or "C7.m2", which returns `value` when called with 1 (1 + 0 rounds); head stands before all.
    """
    blocks = max(1, lines // 100)
    parts = [head]
    for block in range(blocks):
        for k in range(5):
            name = f"f{block * 5 + k}"
            parts.append(FUNCTION.format(i=block * 5 + k, value=value if name == edited else 0))
        parts.append(CLASS.format(i=block))
        for j in range(4):
            parts.append(METHOD.format(j=j, value=value if f"C{block}.m{j}" == edited else 0))
        parts.append("    limit = 3\n\n\n")
    return "".join(parts)


def middle(lines):
    """Name of the function in the middle."""
    return f"f{max(1, lines // 100) // 2 * 5 + 2}"


def write(path, source):
    """Save as an editor does: a temporary file, then a rename."""
    part = path + ".part"
    with open(part, "w", encoding="utf-8") as stream:
        stream.write(source)
    os.replace(part, path)


def small(i):
    """A module among many."""
    return (f"import os\nLIMIT = {i}\n\n\ndef call(x):\n    return x + LIMIT\n\n\nclass Shape:\n    side = {i}\n\n"
            f"    def area(self):\n        return self.side * self.side\n\n    def grow(self, by=1):\n        self.side += by\n        return self\n")


def larger(i):
    """Eight of them in one, under names of their own."""
    return "".join(small(i).replace("call", f"call{k}").replace("Shape", f"Shape{k}").replace("LIMIT", f"LIMIT{k}") for k in range(8))


def many(root, count, source=small, prefix="mod"):
    """Write so many modules; their names."""
    for i in range(count):
        with open(os.path.join(root, f"{prefix}{i}.py"), "w", encoding="utf-8") as stream:
            stream.write(source(i))
    return [f"{prefix}{i}" for i in range(count)]
