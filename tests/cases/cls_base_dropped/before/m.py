class Base:
    def __init__(self):
        self.n = 1

    def base(self):
        return self.n


class Sub(Base):
    def get(self):
        return self.n


class Leaf(Sub):
    pass
