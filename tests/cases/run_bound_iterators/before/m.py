class Cursor:
    def __init__(self):
        self.n = 0

    def __iter__(self):
        return self

    def __next__(self):
        self.n += 1
        return 'old', self.n

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.n = 'old exit'
