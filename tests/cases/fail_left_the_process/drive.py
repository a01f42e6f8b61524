from types import SimpleNamespace as S

import threading


def setup():
    import m
    return S(m=m, f=m.f)


def check(s):
    assert s.f() == 1 and not hasattr(s.m, 'THREAD')


def report(s, r):
    assert any('thread' in e['text'].lower() for e in r['notes'] + r['reasons']), r['notes']


def settle(s):
    """Each attempt starts a thread, which waits for an event that only it holds."""
    for thread in threading.enumerate():
        event = getattr(getattr(thread, '_target', None), '__self__', None)
        if isinstance(event, threading.Event):
            event.set()
            thread.join()
