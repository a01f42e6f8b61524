import a
import a.b, c.d as e, f
import a . b
from a import b
from a.b import c as d, e
from . import x
from .. import y as z
from ...a import (b)
from .... import c
from .a.b import (
    c,  # (
    # comment
    d as e,
)
from x import *
from.a import b
from.import c
from a import(b)
import a;
import a; import b
import a  # ; x
from a import b; c = 1
from a import (b,  # ; c
)
if x: import a
else: from b import c
def f():
    import a; from b import c
    if x:
        import d
    class G: import e
class C:
    import a
    from b import c; import d
    try: import e
    except ImportError: e = None
    def f(self): import g; x = lambda: 1; import h
def yields():
    x = yield from a
    raise a from b
    yield from(a)
lambda: (yield)
x = lambda: 1; import z
with a: from b import *; import c
