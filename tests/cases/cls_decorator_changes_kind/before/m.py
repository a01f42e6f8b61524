from deco import counted


class Base:
    def __init__(self):
        self.own = 1


class Alone(Base):
    size = 0

    @counted(lambda self: self.own)
    def get(self, n):
        return n

    @classmethod
    @counted(lambda cls: cls.size)
    def make(cls, n):
        return n


class Whole(Base):
    @counted(lambda self: self.own)
    def get(self, n):
        return n

    @counted(lambda self: self.own)
    def more(self, n):
        return n
