class Timer:
    def __init__(self, n):
        self.n = n

    def fire(self):
        return 'new', self.n
