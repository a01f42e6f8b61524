from types import SimpleNamespace as S


def setup():
    import m, user
    m.CONFIG['host'] = 'live'
    m.CONFIG['session'] = 'abc'
    del m.CONFIG['live_gone']
    return S(m=m, user=user, config=m.CONFIG)


def check(s):
    want = {'host': 'live', 'port': 2, 'debug': True, 'new': 5, 'session': 'abc'}
    assert s.config == want, s.config
    assert s.m.CONFIG is s.config is s.user.CONFIG
