from types import SimpleNamespace as S


import os
import threading


def setup():
    import m
    stop, bad, seen = threading.Event(), [], set()

    def loop():
        while not stop.is_set():
            for a, b in m.call(20):
                seen.add(a)
                if a != b:
                    bad.append((a, b))
    threads = [threading.Thread(target=loop, daemon=True) for _ in range(4)]
    for t in threads:
        t.start()
    return S(m=m, stop=stop, bad=bad, seen=seen, threads=threads)


def apply(s, update):
    if update.midflight is None:
        return
    with open('m.py') as f:
        final = f.read()
    for i in range(10):
        with open('m.py', 'w') as f:
            f.write(final.replace("'new', 'new'", "'v%d', 'v%d'" % (i, i)))
        report = update.midflight.update([os.path.abspath('m.py')])
        assert report.outcome == 'committed', report
    with open('m.py', 'w') as f:
        f.write(final)
    update()


def check(s):
    s.stop.set()
    for t in s.threads:
        t.join(10)
    assert not s.bad, s.bad[:3]
    assert s.m.f() == ('new', 'new')
