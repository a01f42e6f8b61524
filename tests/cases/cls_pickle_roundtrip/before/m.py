class Save:
    def __init__(self, level):
        self.level = level

    def show(self):
        return 'v1 %d' % self.level
