class Moved:
    class Inner:
        def f(self):
            return 1


if Moved:
    class InBranch:
        x = 1


class Edited:
    def __init__(self):
        self.a = 1
        self.gone = 1

    class Nested:
        y = 1

    def kept(self):
        self.b = self.a


class Whole(metaclass=type):
    z = 1


def make():
    class Local:
        pass
    return Local
