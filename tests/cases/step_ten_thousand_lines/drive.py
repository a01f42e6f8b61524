from types import SimpleNamespace as S


import os


def write():
    with open('spec.py') as f:
        edited = f.read().split("'")[1]
    parts = []
    for i in range(1250):
        body = edited if i == 500 else 'return %d' % i
        parts.append('def f%d(x=%d):\n    %s\n\n\nclass C%d:\n    def m(self):\n        return %d\n' % (i, i, body, i, i))
    with open('big.py', 'w') as f:
        f.write('\n\n'.join(parts))


def setup():
    write()
    import big
    return S(big=big, f=big.f500, rest={n: v for n, v in vars(big).items() if n[0] in 'fC'}, code=big.f501.__code__.co_code)


def apply(s, update):
    write()
    update([os.path.abspath('big.py')])


def check(s):
    assert s.f() == -1
    assert all(vars(s.big)[n] is v for n, v in s.rest.items())
    assert s.big.f501() == 501 and s.big.C1249().m() == 1249
