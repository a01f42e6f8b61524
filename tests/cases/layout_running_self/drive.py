from types import SimpleNamespace as S


def setup():
    import threading
    import m
    p = m.P(5)
    wait, go, out = threading.Event(), threading.Event(), []
    thread = threading.Thread(target=lambda: out.append(p.run(wait, go)))
    thread.start()
    wait.wait()
    g = p.gen()
    next(g)
    return S(m=m, p=p, thread=thread, go=go, out=out, g=g)


def check(s):
    s.go.set()
    s.thread.join()
    assert s.out == [s.p] and s.p.log == [5] and s.p.y == 7
    assert next(s.g) is s.p and type(s.p) is s.m.P
