class P:
    __slots__ = ('x', 'y', 'log')

    def __init__(self, x):
        self.x = x
        self.y = 7
        self.log = []

    def run(self, wait, go):
        wait.set()
        go.wait()
        self.log.append(self.x)
        return self

    def gen(self):
        while True:
            yield self
