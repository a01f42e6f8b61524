class Thing:
    def go(self):
        return 'new'


def make():
    return Thing()
