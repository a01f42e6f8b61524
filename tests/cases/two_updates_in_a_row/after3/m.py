LOG = []


def f():
    return 'v4'


class C:
    def go(self):
        return 4
