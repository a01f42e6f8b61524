"""A text that shares most of another one is split as if it were read as a whole."""

import inspect
import json.decoder
import random
import textwrap

import pytest

from midflight import _testengine as t

PIECES = [b"", b"x = 1\n", b"else:\n    pass\n", b"@deco\n", b"(", b")", b'"""', b"'", b"\\\n", b"    y = 2\n", b"class C:\n", b"    def f(self):\n        pass\n",
          b"# note\n", b"\n", b"import os\n", b"if a:\n    b\n", b"try:\n    a\nexcept E:\n    b\n", b"\xc3\xa9", b"#", b":", b"  ", b"async def g():\n  pass\n",
          b"'doc'\n", b"def f(): pass\n"]
TEXTS = [inspect.getsource(module).encode() for module in (textwrap, random, json.decoder)]


def same(old, new):
    assert t.split_again(old, new) == t.split(new)


@pytest.mark.parametrize("text", TEXTS)
def test_random_edits(text):
    dice = random.Random(len(text))
    for _ in range(400):
        at = dice.randrange(len(text) + 1)
        if dice.random() < 0.7:
            at = text.rfind(b"\n", 0, at) + 1
        gone = dice.choice((0, 0, 1, 5, 40, 400))
        new = text[:at] + dice.choice(PIECES) + text[at + gone:]
        same(text, new)
        same(new, text)


def test_edges():
    text = b"'doc'\n" + b"".join(b"def f%d():\n    return %d\n\n\n" % (i, i) for i in range(40))
    same(text, text)
    same(text, b"")
    same(b"", text)
    same(text, text[:-30])
    same(text, text + b"x = 1")
    same(text, b"x = 1\n" + text)
    same(text, text[6:])
    same(text, b"# first\n\n" + text)
    same(text, text.replace(b"def f20():", b"'doc'\ndef f20():"))
    same(text.replace(b"def f20():", b"'doc'\ndef f20():"), text.replace(b"def f20():", b"'dog'\ndef f20():"))
    same(text, text.replace(b"def f38", b"@deco\ndef f38"))
