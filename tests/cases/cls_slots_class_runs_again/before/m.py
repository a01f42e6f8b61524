class Point:
    __slots__ = ('x', 'y')

    def __init__(self):
        self.x, self.y = 1, 2


class Solid(Point):
    __slots__ = ('z', '__dict__', '__weakref__')

    def __init__(self):
        super().__init__()
        self.z = 3
        self.more = 4
