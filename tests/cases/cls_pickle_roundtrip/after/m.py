class Save:
    def __init__(self, level, name='n'):
        self.level = level
        self.name = name

    def show(self):
        return 'v2 %d %s' % (self.level, self.name)
