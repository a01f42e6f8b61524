from types import SimpleNamespace as S


import weakref


def setup():
    import m
    obj, dead = m.Res(), []
    return S(m=m, obj=obj, ref=weakref.ref(obj), dead=dead, fin=weakref.finalize(obj, dead.append, 'gone'),
             keyed=weakref.WeakKeyDictionary({obj: 1}), cls=weakref.ref(m.Res))


def check(s):
    assert s.ref() is s.obj and s.ref().close() == 'closed' and s.dead == []
    assert s.keyed[s.obj] == 1 and s.cls() is s.m.Res and s.fin.alive
    s.obj = None
    assert s.ref() is None and s.dead == ['gone']
