from types import SimpleNamespace as S


import os
import threading


def setup():
    import a, b
    return S(a=a, b=b, f=a.f, g=b.g)


def apply(s, update):
    if update.midflight is None:
        return
    outcomes = []
    threads = [threading.Thread(target=lambda p=p: outcomes.append(update.midflight.update([os.path.abspath(p)]).outcome)) for p in ('a.py', 'b.py')]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert 'committed' in outcomes and set(outcomes) <= {'committed', 'skipped'}, outcomes


def check(s):
    assert (s.f(), s.g()) == ('a2', 'b2')
