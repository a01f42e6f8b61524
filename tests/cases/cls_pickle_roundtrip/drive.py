from types import SimpleNamespace as S


import pickle


def setup():
    import m
    obj = m.Save(3)
    return S(m=m, obj=obj, data=pickle.dumps(m.Save(9)))


def check(s):
    again = pickle.loads(pickle.dumps(s.obj))
    assert type(again) is s.m.Save is type(s.obj) and again.level == 3
    assert pickle.loads(s.data).level == 9
    assert s.obj.show() == 'v2 3 n', s.obj.show()
