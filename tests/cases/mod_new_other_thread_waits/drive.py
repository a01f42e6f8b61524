from types import SimpleNamespace as S


def setup():
    import gate, m
    gate.thread.start()
    return S(gate=gate, m=m)


def check(s):
    s.gate.thread.join()
    import slow
    assert s.gate.got == [(slow, 2)] and s.m.X == 2, s.gate.got
