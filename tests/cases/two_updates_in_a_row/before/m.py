N = 1
LOG = []


def f():
    return 'v1', N


class C:
    def go(self):
        return 1
