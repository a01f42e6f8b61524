from types import SimpleNamespace as S


def setup():
    import m
    dog = m.Dog()
    dog.name = 'bo'
    return S(m=m, dog=dog, Dog=m.Dog)


def check(s):
    assert s.m.Dog is s.Dog is type(s.dog)
    assert s.dog.say() == 'LOUD' and s.dog.name == 'bo'
    assert isinstance(s.dog, s.m.Loud) and not isinstance(s.dog, s.m.Quiet)
    assert s.m.Dog.__subclasses__() == [] and s.m.Dog in s.m.Loud.__subclasses__()
    assert s.m.Dog not in s.m.Quiet.__subclasses__()
