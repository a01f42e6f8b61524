import queue
import threading
from types import SimpleNamespace as S


def setup():
    import m
    gate, out = queue.SimpleQueue(), queue.SimpleQueue()       # who gets from them waits in C code
    t = threading.Thread(target=m.loop, args=(gate, out), daemon=True)
    t.start()
    return S(m=m, gate=gate, out=out, t=t, said=[out.get(timeout=60)])


def check(s):
    while s.said[-1][0] != 'new' and len(s.said) < 4:
        s.gate.put(None)
        s.said.append(s.out.get(timeout=60))
    assert s.said[-1][0] == 'new', s.said
    assert [n for _, n in s.said] == list(range(len(s.said))), 'the locals go along'


def unchanged(s):
    assert s.t.is_alive() and s.out.empty()
