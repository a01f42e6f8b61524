from types import SimpleNamespace as S


def setup():
    import a, user
    return S(a=a, user=user, g=user.g)


def check(s):
    assert s.g() == ('g1', 1)


def check2(s):
    assert s.g() == ('g1', 1)


def report2(s, r):
    assert any(e['file'] and e['file'].endswith('a.py') and e['line'] == 2 for e in r['reasons']), r['reasons']


def check3(s):
    assert s.g() == ('g2', 3), s.g()
