import functools


class Counted:
    def __init__(self, key, f):
        functools.update_wrapper(self, f)
        self.key, self.f = key, f

    def __get__(self, obj, cls=None):
        return lambda *args: ('descriptor', self.key(obj), self.f(obj, *args))

    def __call__(self, obj, *args):
        return 'called', self.key(obj), self.f(obj, *args)


def counted(key):
    def deco(f):
        return Counted(key, f)
    return deco
