class P:
    __slots__ = ("n",)

    def __init__(self, n):
        self.n = n
