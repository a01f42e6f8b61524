from types import SimpleNamespace as S


import threading


def setup():
    import m
    event = threading.Event()
    t = threading.Thread(target=m.wait, args=(event,), daemon=True)
    t.start()
    return S(m=m, event=event, t=t)


def check(s):
    assert s.m.other() == 1 and s.t.is_alive()
    s.event.set()
