class Edited:
    def __init__(self, x):
        self.x = x

    def __eq__(self, other):
        return self.x == other.x

    def __hash__(self):
        return hash(self.x)


class Added:
    pass


class Free:
    def __hash__(self):
        return 1


class Lost:
    def __hash__(self):
        return 3
