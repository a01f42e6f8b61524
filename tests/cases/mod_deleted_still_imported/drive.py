from types import SimpleNamespace as S


def setup():
    import m, helper
    return S(m=m, helper=helper, f=m.f)


def check(s):
    import sys
    assert s.f() == 1 and sys.modules['helper'] is s.helper


def report(s, r):
    assert any('helper' in e['text'] for e in r['reasons']), r['reasons']
