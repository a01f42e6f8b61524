class P:
    __slots__ = ('celsius',)

    def __init__(self, celsius):
        self.celsius = celsius
