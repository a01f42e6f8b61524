from types import SimpleNamespace as S


import sys
import threading


def setup():
    import gate
    s = S(gate=gate, thread=threading.Thread(target=__import__, args=('slow',), daemon=True))
    s.thread.start()
    assert gate.INSIDE.wait(10)
    return s


def apply(s, update):
    if update.midflight is not None:
        first = update.midflight.update(update.change.all)
        assert first.outcome != 'rolled back', first
    s.gate.GO.set()
    s.thread.join(10)
    if update.midflight is not None:
        update([])


def check(s):
    s.gate.GO.set()
    s.thread.join(10)
    assert sys.modules['slow'].f() == 'new'
