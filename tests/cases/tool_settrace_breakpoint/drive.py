from types import SimpleNamespace as S


import sys


def setup():
    import m
    return S(m=m, f=m.f)


def check(s):
    lines = []

    def trace(frame, event, arg):
        if event == 'line':
            lines.append(frame.f_lineno)
        return trace
    sys.settrace(trace)
    try:
        assert s.f(1) == 4
    finally:
        sys.settrace(None)
    assert [n for n in lines if n in (6, 7, 8)] == [6, 7, 8], lines
