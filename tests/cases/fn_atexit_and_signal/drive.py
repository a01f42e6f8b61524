from types import SimpleNamespace as S


import atexit
import os
import signal


def setup():
    import m
    return S(m=m, out=m.OUT)


def check(s):
    os.kill(os.getpid(), signal.SIGUSR1)
    atexit._run_exitfuncs()
    assert s.out == ['new signal', 'new bye'], s.out
