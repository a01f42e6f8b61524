import sys
from types import SimpleNamespace as S


def setup():
    import lone, m, pkg.helper
    m.f(), lone.bump()
    return S(m=m, pkg=pkg, helper=pkg.helper, help=pkg.helper.help, lone=lone)


def apply(s, update):
    update()
    if update.midflight is None:
        return
    assert s.m.f() == 'alone' and 'pkg.helper' not in sys.modules
    planned = update.midflight.undo(dry_run=True)
    assert 'pkg.helper' not in sys.modules and not hasattr(s.pkg, 'helper'), planned
    undone = update.midflight.undo()
    assert undone.outcome == 'committed', undone
    assert sys.modules['pkg.helper'] is s.helper is s.pkg.helper is s.m.helper and s.m.help is s.help
    assert s.m.f() == 'help 2pkg.helper' and s.helper.CALLS == [1, 1]
    s.undone = 1


def check(s):
    assert s.undone == 1


def apply2(s, update):
    update()
    if update.midflight is None:
        return
    assert 'lone' not in sys.modules
    undone = update.midflight.undo()
    assert undone.outcome == 'committed', undone
    assert sys.modules['lone'] is s.lone and s.lone.bump() == 2
    text = open(s.m.__file__.replace('m.py', 'lone.py'), 'w')
    text.write('COUNT = 0\n\n\ndef bump():\n    global COUNT\n    COUNT += 10\n    return COUNT\n')
    text.close()
    edited = update.midflight.update([text.name])
    assert edited.outcome == 'committed' and s.lone.bump() == 12, edited
    s.undone = 2


def check2(s):
    assert s.undone == 2
