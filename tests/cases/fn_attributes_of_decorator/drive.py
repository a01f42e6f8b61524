from types import SimpleNamespace as S


def setup():
    import m
    m.view.hits = 7
    return S(m=m, view=m.view)


def check(s):
    assert s.view is s.m.view
    assert vars(s.view) == {'methods': ['GET'], 'hits': 7}, vars(s.view)
    assert vars(s.m.Page.show) == {}
