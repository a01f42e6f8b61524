from types import SimpleNamespace as S


def setup():
    import m
    m.CONF['db']['host'] = 'live'
    m.CONF['tags'].append('live')
    m.CONF['keep']['n'] = 9
    return S(m=m, conf=m.CONF, db=m.CONF['db'], keep=m.CONF['keep'])


def check(s):
    assert s.m.CONF is s.conf and s.conf['db'] is s.db and s.conf['keep'] is s.keep
    assert s.db == {'host': 'live', 'port': 2} and s.keep == {'n': 9}
    assert sorted(s.conf['tags']) == ['live', 'x', 'y'], s.conf['tags']
