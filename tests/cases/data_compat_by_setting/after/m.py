TABLE = {'a': 2}
LEVEL = 2
FRESH = 3


class C:
    table = [2]
    level = 2

    def f(self):
        return 2
