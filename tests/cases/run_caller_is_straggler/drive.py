from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, tick=m.tick, said=None)


def apply(s, update):
    s.said = s.tick(update)
    if update.midflight is not None:
        assert s.said in ('old end', ('new end', 1)), s.said
        if s.said == 'old end':
            assert any(e['name'] == 'tick' for e in update.report['stragglers']), update.report['stragglers']


def check(s):
    assert s.m.other() == 'new' and s.tick(lambda: None) == ('new end', 1)
