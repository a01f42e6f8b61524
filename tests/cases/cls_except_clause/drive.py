from types import SimpleNamespace as S


def setup():
    import errors, m
    def raiser(e=m.Busy('held')):
        raise e
    return S(errors=errors, m=m, safe=m.safe, raiser=raiser, held=m.Busy('y'))


def check(s):
    assert s.safe(s.m.work) == 2 and s.safe(s.raiser) == 2
    assert isinstance(s.held, s.errors.Busy) and s.held.retry()
