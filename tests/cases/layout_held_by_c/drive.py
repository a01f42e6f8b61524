import signal
from types import SimpleNamespace as S


def setup():
    import m
    p = m.P(1)
    signal.signal(signal.SIGUSR1, p)
    return S(m=m, p=p)


def check(s): assert signal.getsignal(signal.SIGUSR1) is s.p


def unchanged(s): assert signal.getsignal(signal.SIGUSR1) is s.p
