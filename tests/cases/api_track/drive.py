from types import SimpleNamespace as S


import os


def setup():
    import m
    m.load()
    return S(m=m, loaded=m.LOADED)


def apply(s, update):
    if update.midflight is None:
        return
    path = os.path.abspath('table.txt')
    update.midflight.track(path, lambda *args: s.m.load())
    update.midflight.update([path])


def check(s):
    assert s.loaded == ['a', 'b', 'c'], s.loaded
