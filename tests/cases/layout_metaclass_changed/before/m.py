class Meta(type):
    def tag(cls):
        return cls.__name__


class C:
    __slots__ = ('x',)

    def __init__(self, x):
        self.x = x


class D(C):
    __slots__ = ()


class Plain:
    def twice(self):
        return 2
