from types import SimpleNamespace as S


import threading


def setup():
    import m
    return S(m=m, t=threading.Thread(target=m.target), out=m.OUT)


def check(s):
    s.t.start()
    s.t.join()
    assert s.out == ['new'] and s.m.OUT is s.out
