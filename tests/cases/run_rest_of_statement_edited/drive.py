from types import SimpleNamespace as S


import threading

MOVED = 'renamed', 'method', 'returned', 'among_others'
LEFT = 'argument', 'either', 'done_already'


class Gate:
    def __init__(self):
        self.inside, self.opened = threading.Semaphore(0), threading.Semaphore(0)

    def wait(self):
        self.inside.release()
        self.opened.acquire()
        return ' word '


def setup():
    import m
    gens = {name: getattr(m, name)() for name in MOVED + LEFT}
    for gen in gens.values():
        next(gen)
    gate, out = Gate(), []
    thread = threading.Thread(target=m.thread, args=(gate, out), daemon=True)
    thread.start()
    assert gate.inside.acquire(timeout=60)
    return S(m=m, gens=gens, gate=gate, out=out, thread=thread)


def report(s, r):
    assert {e['name'] for e in r['stragglers']} == set(LEFT), r['stragglers']


def answer(gen):
    try:
        return gen.send(' word ')
    except StopIteration as e:
        return e.value


def check(s):
    assert answer(s.gens['renamed']) == ('new', ' word ')
    assert answer(s.gens['method']) == ('new', 'word')
    assert answer(s.gens['returned']) == (' word ', 'new')
    assert answer(s.gens['among_others']) == ('new', ' word ', 'new')
    for name in LEFT:
        assert answer(s.gens[name])[0] == 'old', name
    s.gate.opened.release()
    s.thread.join(60)
    assert s.out == [('new', 'word')], s.out
