from types import SimpleNamespace as S


def setup():
    import conf, user
    conf.SETTINGS['db']['port'] = 99
    conf.SETTINGS['tags'].append('live')
    db = conf.SETTINGS['db']
    tags = conf.SETTINGS['tags']
    limits = conf.SETTINGS['limits']
    return S(conf=conf, user=user, db=db, tags=tags, limits=limits)


def check(s):
    conf, user, db, tags = s.conf, s.user, s.db, s.tags
    assert db == {'host': 'b', 'port': 99} and conf.SETTINGS['db'] is db and (user.DB is db) and (user.where() is db), (db, user.DB)
    assert conf.SETTINGS['tags'] is tags is user.TAGS and tags == ['x', 'y', 'live']


def check2(s):
    conf, user, db, tags, limits = s.conf, s.user, s.db, s.tags, s.limits
    assert tags == ['x', 'z', 'live'] and user.TAGS is tags is conf.SETTINGS['tags'], (tags, user.TAGS)
    assert limits == {'cpu': 2} and user.LIMITS is limits is conf.SETTINGS['limits'] and (db == {'host': 'b', 'port': 99})
