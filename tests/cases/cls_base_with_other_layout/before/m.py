class Bag:
    def __init__(self):
        self.name = 'bag'


class Sub(Bag):
    pass
