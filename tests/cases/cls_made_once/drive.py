from types import SimpleNamespace as S


def setup():
    import m
    import orm
    return S(m=m, orm=orm, user=m.User(), table=orm.TABLES['user'])


def check(s):
    assert s.user.title(long=True) == 'Mister' and s.user.short == 'M'
    assert 'user' in s.orm.TABLES


def report(s, r):
    assert 'MF310' in [n['code'] for n in r['notes']], r['notes']
    assert s.orm.TABLES == {'user': s.table}


def check2(s):
    assert s.user.short == 'M'
