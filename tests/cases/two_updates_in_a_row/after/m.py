N = 2
LOG = []


def f(x=0):
    return 'v2', N, x


class C:
    def go(self):
        return 2
