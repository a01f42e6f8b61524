from types import SimpleNamespace as S


import threading
import time


def setup():
    import m
    stop = threading.Event()
    t = threading.Thread(target=m.loop, args=(stop,), daemon=True)
    t.start()
    time.sleep(0.05)
    return S(m=m, stop=stop, t=t, out=m.OUT)


def check(s):
    end = time.monotonic() + 5
    while time.monotonic() < end and s.out[-1][0] != 'new':
        time.sleep(0.01)
    s.stop.set()
    s.t.join(5)
    assert s.out[-1][0] == 'new', s.out[-1]
    assert [n for _, n in s.out] == list(range(len(s.out))), 'the locals go along'


def unchanged(s):
    assert s.m.OUT is s.out and s.t.is_alive() and s.out[-1][0] == 'old'
