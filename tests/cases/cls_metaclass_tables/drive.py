from types import SimpleNamespace as S


def setup():
    import main
    import models
    return S(main=main, user=models.User())


def tables(s):
    meta = s.main.orm.Meta.tables
    assert all(meta[name]._table == name for name in meta)
    return sorted(meta)


def check(s):
    user = s.main.models.User
    assert user.describe() == 'people(id int, name varchar, mail text)'
    assert all(user._cols[name] is vars(user)[name] for name in ('id', 'name', 'mail'))
    assert tables(s) == ['people', 'post', 'tag'], tables(s)
    assert s.user._table == 'people'


def check2(s):
    user = s.main.models.User
    assert user.describe() == 'TABLE t_people(id int True, name varchar True, mail text True)', user.describe()
    assert user._cols['id'] is vars(user)['id']
    assert tables(s) == ['t_people', 't_post', 't_tag'], tables(s)
