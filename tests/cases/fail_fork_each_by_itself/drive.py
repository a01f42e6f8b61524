from types import SimpleNamespace as S


import os


def setup():
    import m
    return S(m=m, f=m.f, child=None)


def apply(s, update):
    if update.midflight is None:
        return
    pid = os.fork()
    if pid == 0:
        ok = False
        try:
            ok = update.midflight.update(update.change.all).outcome == 'committed' and s.f() == 'v2'
        finally:
            os._exit(0 if ok else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert s.f() == 'v1', 'the child updates itself only'
    update()


def check(s):
    assert s.f() == 'v2'
