from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, wait=m.Wait(), call=m.Call('a'))


def check(s):
    assert s.m.Wait() == (50,) and s.m.Call('b').seconds == 50, (s.m.Wait(), s.m.Call('b'))
    assert type(s.wait) is s.m.Wait and type(s.call) is s.m.Call and s.call.name == 'a'


def report(s, r):
    assert not r['kept'], r['kept']
