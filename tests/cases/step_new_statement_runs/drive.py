from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, done=m.DONE)


def check(s):
    assert s.done.wait(3)
    assert s.m.DONE is s.done
    s.m.THREAD.join(3)
    assert not s.m.THREAD.is_alive()


def unchanged(s):
    assert not hasattr(s.m, 'THREAD'), 'the thread that it has started stays, its name does not'
