from types import SimpleNamespace as S


import traceback


def setup():
    import m
    return S(m=m, outer=m.outer)


def check(s):
    try:
        s.outer()
    except ValueError as e:
        frames = traceback.extract_tb(e.__traceback__)[1:]
    assert [(f.name, f.lineno, f.line) for f in frames] == [('outer', 14, 'return inner()'), ('inner', 5, "raise ValueError('deep')")], frames
