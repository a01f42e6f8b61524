N = 2
LOG = []


def f(x=0):
    return 'v3', N, x


class C:
    y = 3

    def go(self):
        return 3
