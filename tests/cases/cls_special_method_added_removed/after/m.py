class Bag:
    def __init__(self):
        self.items = [1, 2]

    def __len__(self):
        return 100

    def __iter__(self):
        return iter(self.items)

    def __contains__(self, x):
        return x == 42
