from types import SimpleNamespace as S


import threading
import time


def setup():
    import m
    return S(m=m, f=m.f)


def apply(s, update):
    if update.midflight is None:
        return
    done = []
    t = threading.Thread(target=lambda: done.append(update.midflight.update(update.change.all)))
    with update.midflight.hold():
        t.start()
        end = time.monotonic() + 0.2
        while time.monotonic() < end:
            assert s.f() == 1
            time.sleep(0.005)
    t.join(10)
    if s.f() == 1:
        update.midflight.poll()
    if s.f() == 1:
        update()


def check(s):
    assert s.f() == 2
