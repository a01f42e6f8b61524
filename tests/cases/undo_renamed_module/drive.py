import sys
from types import SimpleNamespace as S


def setup():
    import m
    import old_name
    old_name.COUNT.append(1)
    return S(m=m, f=m.f, make=m.make, Thing=m.Thing, thing=m.Thing(), helper=m.helper, old=old_name)


def apply(s, update):
    update()
    if update.midflight is None:
        return
    assert s.f() == "new" and "old_name" not in sys.modules
    assert s.make is s.m.make, "forward"
    assert s.helper() == "helps new new", s.helper()
    assert s.helper is s.m.helper
    planned = update.midflight.undo(dry_run=True)
    assert s.f() == "new" and "old_name" not in sys.modules, planned
    undone = update.midflight.undo()
    assert undone.outcome == "committed", undone
    assert s.f() == "old", undone
    assert sys.modules.get("old_name") is s.old and "new_name" not in sys.modules
    assert s.m.make is s.make is s.old.make and s.m.Thing is s.Thing is s.old.Thing
    assert s.make.__globals__ is vars(s.old) and s.make.__module__ == "old_name"
    assert s.thing.go() == "old" and type(s.thing) is s.Thing and s.Thing.__module__ == "old_name"
    assert s.helper is s.m.helper is s.old.helper and s.helper() == "helps old"
    assert s.helper.__globals__ is vars(s.old)
    assert s.old.COUNT == [1]
    path = s.m.__file__.replace("m.py", "old_name.py")
    with open(path, "w") as f:
        f.write("""COUNT = []


class Thing:
    def go(self):
        return 'edited'


def make():
    return Thing()


def helper():
    return "also " + make().go()
""")
    edited = update.midflight.update([path])
    assert edited.outcome == "committed", edited
    assert s.helper() == "also edited" and s.thing.go() == s.f() == "edited"
    s.done = True


def check(s):
    assert s.done
