import importlib
import sys
from types import SimpleNamespace as S


def setup():
    import m, tools, user
    return S(m=m, thing=m.Thing(), tools=tools, call=user.call)


def undone(update):
    report = update.midflight.undo()
    assert report.outcome == 'committed', report


def apply(s, update):
    update()
    if update.midflight is None:
        return
    assert s.m.make().go() == 'round new' and s.thing.go() == 'new'
    undone(update)
    assert 'things' not in sys.modules and 'names' not in sys.modules
    assert s.m.make().go() == s.thing.go() == 'old' and isinstance(s.thing, s.m.Thing)
    update()
    assert s.m.make().go() == 'round new' and s.thing.go() == 'new' and isinstance(s.thing, s.m.Thing)
    importlib.import_module('late')
    undone(update)
    assert 'things' not in sys.modules and sys.modules['names'] is sys.modules['late'].names
    assert s.m.make().go() == s.thing.go() == 'old'
    update()


def check(s):
    assert s.m.make().go() == 'round new'


def apply2(s, update):
    update()
    if update.midflight is None:
        return
    assert s.call() == 'package'
    undone(update)
    assert sys.modules['tools'] is s.tools and 'tools.impl' not in sys.modules
    assert s.call() == 'module'
    update()


def check2(s):
    assert s.call() == 'package'
