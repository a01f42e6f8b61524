import _frozen_importlib as bootstrap
import threading
from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f)


def apply(s, update):
    """The first release of the lock ends by Ctrl-C before it has begun, the second one when it is through."""
    if update.midflight is None:
        return
    manager = bootstrap._ModuleLockManager
    release, moments = manager.__exit__, ["before", "after"]

    def interrupted(self, *exc):
        if self._name != "other" or not moments:
            return release(self, *exc)
        if moments.pop(0) == "after":
            release(self, *exc)
        raise KeyboardInterrupt
    manager.__exit__ = interrupted
    try:
        report = update.midflight.update(update.change.all)
    except KeyboardInterrupt:
        assert not moments, moments
    else:
        raise AssertionError("the interrupt is swallowed: %s" % report)
    finally:
        manager.__exit__ = release


def check(s):
    assert s.f() == 2 and s.m.f is s.f, s.f()
    taken = []

    def take():
        with bootstrap._ModuleLockManager("other"):
            taken.append(True)
    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    thread.join(20)
    assert taken, "the lock is held for ever"
