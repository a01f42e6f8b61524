import os
from types import SimpleNamespace as S


def setup():
    import m, part
    return S(m=m, part=part)


def unchanged(s):
    assert s.m.X == 1 and s.part.V == 1
    assert not os.path.exists(os.path.join(os.path.dirname(s.m.__file__), 'leak'))


def report(s, r):
    assert [x['code'] for x in r['reasons']] == ['MF402'] and 'ZeroDivisionError' in r['reasons'][0]['text'], r['reasons']
