from types import SimpleNamespace as S


def setup():
    import a, b
    return S(a=a, b=b, f=a.f, g=b.g)


def check(s):
    assert (s.f(), s.g(), s.a.X, s.b.Y) == ('a1', 'b1', 1, 1)


def report(s, r):
    at = [e for e in r['reasons'] if e['file'] and e['file'].endswith('b.py')]
    assert at and at[0]['line'] == 4, r['reasons']
    assert 'SyntaxError' in at[0]['text'], at


def check2(s):
    assert (s.f(), s.g(), s.a.X, s.b.Y) == ('a2', 'b2', 2, 2), 'the pending file goes in with the fixed one'
