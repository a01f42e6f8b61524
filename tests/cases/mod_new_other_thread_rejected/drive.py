import sys
from types import SimpleNamespace as S


def setup():
    import gate, hub, m
    gate.thread.start()
    return S(gate=gate, hub=hub, m=m)


def unchanged(s):
    if not s.gate.loading.is_set():     # nothing has been tried yet
        assert s.gate.got == [] and 'slow' not in sys.modules and s.m.X == 1 and s.hub.SEEN == []
        return
    s.gate.thread.join()
    import slow
    assert s.gate.got == [(slow, 2)] and s.m.X == 1, s.gate.got
    assert sys.modules['slow'] is slow and slow.size() == 2 and s.hub.SEEN == ['slow'], s.hub.SEEN
    assert slow.__spec__._initializing is False
