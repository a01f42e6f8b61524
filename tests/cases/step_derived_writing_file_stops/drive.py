from types import SimpleNamespace as S


import os


def setup():
    import m
    files = sorted(f for f in os.listdir('.') if f.endswith('.out'))
    return S(m=m, size=m.SIZE, files=files)


def check(s):
    assert s.m.name() == 'bb'
    assert s.m.SIZE == s.size
    assert sorted(f for f in os.listdir('.') if f.endswith('.out')) == s.files
