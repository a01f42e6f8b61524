N = 5
LOG = []


def f():
    return 'v5', N


class C:
    z = 5

    def go(self):
        return 5
