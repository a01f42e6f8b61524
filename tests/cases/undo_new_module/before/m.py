class Thing:
    def go(self):
        return 'old'


def make():
    return Thing()
