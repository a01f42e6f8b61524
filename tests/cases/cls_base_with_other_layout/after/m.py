class Bag(dict):
    def __init__(self):
        self.name = 'bag'


class Sub(Bag):
    pass
