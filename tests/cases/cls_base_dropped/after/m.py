class Base:
    def __init__(self):
        self.n = 1

    def base(self):
        return self.n


class Sub:
    def __init__(self):
        self.n = 2

    def get(self):
        return self.n


class Leaf(Sub):
    pass
