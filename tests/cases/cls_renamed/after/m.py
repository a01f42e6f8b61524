class NewName:
    def __init__(self, n):
        self.n = n

    def twice(self):
        return self.n * 2


def make(n):
    return NewName(n + 100)
