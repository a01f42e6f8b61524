COUNT = []


class Thing:
    def go(self):
        return 'old'


def make():
    return Thing()


def helper():
    return "helps " + make().go()
