from types import SimpleNamespace as S


def setup():
    import a, b
    return S(a=a, b=b)


def check(s):
    assert (s.a.X, s.b.Y) == (1, 1)


def report(s, r):
    assert {e['file'].rpartition('/')[2] for e in r['reasons'] if e['file']} >= {'a.py', 'b.py'}, r['reasons']
