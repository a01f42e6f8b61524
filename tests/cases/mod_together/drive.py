from types import SimpleNamespace as S


import threading


def setup():
    import a, b
    stop, torn = threading.Event(), []

    def watch():
        while not stop.is_set():
            v = a.V
            w = b.W
            if (v, w) == (2, 1):
                torn.append('a before b')
            w = b.W
            v = a.V
            if (v, w) == (1, 2):
                torn.append('b before a')
    t = threading.Thread(target=watch, daemon=True)
    t.start()
    return S(a=a, b=b, stop=stop, torn=torn, t=t)


def check(s):
    s.stop.set()
    s.t.join(5)
    assert s.b.pair() == (2, 2, 2, 2)
    assert not s.torn, s.torn[:3]
