from types import SimpleNamespace as S


def setup():
    import m
    m.page.hits = 3
    return S(m=m, page=m.page)


def check(s):
    assert s.page is s.m.page
    assert s.page.__doc__ == 'New.' and s.page.role == 'admin'
    assert s.page.hits == 3
