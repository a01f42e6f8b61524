def build(n):
    class Local:
        size = n

        def get(self):
            return 'new', self.size
    return Local
