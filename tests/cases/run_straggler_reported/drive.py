from types import SimpleNamespace as S


import threading


def setup():
    import m
    event, out = threading.Event(), []
    t = threading.Thread(target=lambda: out.append(m.wait(event)), daemon=True)
    t.start()
    return S(m=m, event=event, out=out, t=t)


def check(s):
    s.event.set()
    s.t.join(5)
    assert s.out == [('old', 'old end')], s.out
    done = threading.Event()
    done.set()
    assert s.m.wait(done) == ('new', 'new end')


def report(s, r):
    assert any(e['name'] == 'wait' for e in r['stragglers']), r['stragglers']
