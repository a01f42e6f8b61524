MADE = []


class P:
    __slots__ = ('x', 'y')

    def __init__(self, x):
        self.x = x
        self.y = 1

    def __migrate__(self, update):
        sub = type('Sub', (type(update.old),), {})
        KEEP.append((sub, sub(9)))
