from types import SimpleNamespace as S


def setup():
    import m
    holder = type('Holder', (), {})()
    holder.callback = getattr(m, 'gone', None)
    return S(m=m, holder=holder)


def check(s):
    assert not hasattr(s.m, 'gone') and s.m.stays() == 2


def report(s, r):
    said = [e for e in r['changed'] if e['op'] == '-' and e['name'] == 'gone']
    assert said, r['changed']
    assert any('gone' in (e['name'] or '') for e in r['kept'] + r['notes']), 'the holder is not reported'
    assert s.holder.callback() == 'gone'
