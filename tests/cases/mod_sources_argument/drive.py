from types import SimpleNamespace as S


def setup():
    import m
    m.STATE.append(1)
    return S(m=m, f=m.f, state=m.STATE)


def apply(s, update):
    with open('m.py') as f:
        text = f.read()
    with open('m.py', 'w') as f:
        f.write('raise RuntimeError("the file is not to be read")\n')
    update(sources={'m': text})


def check(s):
    assert s.f() == 'text 2' and s.m.STATE is s.state == [1]
