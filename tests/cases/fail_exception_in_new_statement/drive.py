from types import SimpleNamespace as S


def setup():
    import hub, m
    return S(hub=hub, m=m, f=m.f)


def check(s):
    h = s.hub
    assert s.f() == 1
    assert h.LIST == [1] and h.DICT == {'a': 1} and h.SET == {1}, (h.LIST, h.DICT, h.SET)
    assert vars(h.BOX) == {'value': 'live'}, vars(h.BOX)
    assert not hasattr(h.Box, 'shared') and not hasattr(h, 'ADDED')


def report(s, r):
    at = [e for e in r['reasons'] if e['line'] == 10]
    assert at and at[0]['file'].endswith('m.py') and 'at the end' in at[0]['text'], r['reasons']


def check2(s):
    check_effects = (s.hub.LIST, s.hub.DICT)
    assert check_effects == ([1], {'a': 1}) and s.f() == 2
