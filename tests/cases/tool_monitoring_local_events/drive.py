from types import SimpleNamespace as S


import sys


def setup():
    import m
    lines = []
    mon = sys.monitoring
    mon.use_tool_id(4, 'case')
    mon.register_callback(4, mon.events.LINE, lambda code, line: lines.append(line))
    mon.set_local_events(4, m.f.__code__, mon.events.LINE)
    return S(m=m, f=m.f, lines=lines)


def check(s):
    s.lines.clear()
    assert s.f() == 'new'
    assert s.lines == [2, 3], s.lines
