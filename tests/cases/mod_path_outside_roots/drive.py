from types import SimpleNamespace as S


import os
import sys


def setup():
    try:
        import midflight
        midflight.start(roots=[os.path.abspath('inside')])
    except ImportError:
        pass
    sys.path[:0] = [os.path.abspath('inside'), os.path.abspath('outside')]
    import app, lib
    return S(app=app, lib=lib, g=lib.g)


def check(s):
    assert s.g() == 'new' and s.lib.g is s.g
