def build(n):
    class Local:
        size = n

        def get(self):
            return 'old', self.size
    return Local
