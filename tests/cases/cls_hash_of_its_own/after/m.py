class Edited:
    def __init__(self, x):
        self.x = x

    def __eq__(self, other):
        return self.x == other.x

    def __hash__(self):
        return hash((self.x, 1))


class Added:
    limit = 3

    def __hash__(self):
        return 7


class Free:
    def __hash__(self):
        return 2


class Lost:
    limit = 3
