import inspect
import linecache
import sys
from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m)


def check(s):
    linecache.checkcache()
    m = s.m
    lines = {cls: inspect.getsourcelines(cls) for cls in
             (m.Moved, m.Moved.Inner, m.InBranch, m.Edited, m.Edited.Nested, m.Whole, m.make())}
    found = {cls.__qualname__: (at, text[0].strip()) for cls, (text, at) in lines.items()}
    assert found == {
        "Moved": (4, "class Moved:"), "Moved.Inner": (5, "class Inner:"), "InBranch": (12, "class InBranch:"),
        "Edited": (16, "class Edited:"), "Edited.Nested": (22, "class Nested:"),
        "Whole": (29, "class Whole(metaclass=type):"), "make.<locals>.Local": (34, "class Local:")}, found
    if sys.version_info >= (3, 13):
        assert set(m.Edited.__static_attributes__) == {"a", "b", "new"}, m.Edited.__static_attributes__
