from types import SimpleNamespace as S


import os


def setup():
    import m
    m.STATE.append('live')
    return S(m=m, f=m.changed_before_start, g=m.changed_after, state=m.STATE)


def apply(s, update):
    if update.midflight is None:
        return
    with open('m.py') as f:
        final = f.read()
    with open('m.py', 'w') as f:
        f.write(final.replace("'v2'", "'v1'").replace("'v1'", "'v2'", 1))
    update.midflight.start(roots=[os.getcwd()])
    with open('m.py', 'w') as f:
        f.write(final)
    update()


def check(s):
    assert s.g() == 'v2', s.g()
    assert s.f() == 'v2', s.f()
    assert s.m.STATE is s.state == ['live']
