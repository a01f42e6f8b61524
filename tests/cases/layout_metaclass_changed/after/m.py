class Meta(type):
    def tag(cls):
        return cls.__name__


class C(metaclass=Meta):
    __slots__ = ('x', 'y')

    def __init__(self, x):
        self.x = x
        self.y = 5


class D(C):
    __slots__ = ()


class Plain(metaclass=Meta):
    def twice(self):
        return 4
