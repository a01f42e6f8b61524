TABLE = {'a': 1}
LEVEL = 1


class C:
    table = [1]
    level = 1

    def f(self):
        return 1
