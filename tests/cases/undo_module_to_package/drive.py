import sys
from types import SimpleNamespace as S


def setup():
    import m
    import tools
    tools.COUNT.append(1)
    return S(m=m, call=m.call, f=m.f, tools=tools)


def apply(s, update):
    update()
    if update.midflight is None:
        return
    assert s.call() == ("package", "package")
    undone = update.midflight.undo()
    assert undone.outcome == "committed", undone
    assert s.call() == ("module", "module"), (s.call(), undone)
    assert "tools.impl" not in sys.modules
    assert sys.modules["tools"] is s.tools is s.m.tools and s.tools.COUNT == [1]
    assert s.m.f is s.f is s.tools.f, (s.m.f, s.f, s.tools.f)
    assert s.f.__module__ == "tools" and s.f.__globals__ is vars(s.tools)
    assert not hasattr(s.tools, "__path__")
    s.done = True


def check(s):
    assert s.done
