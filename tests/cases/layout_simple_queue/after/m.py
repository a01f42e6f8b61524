class P:
    __slots__ = ("n", "more")

    def __init__(self, n):
        self.n = n
        self.more = "more"
