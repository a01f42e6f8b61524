class Outer:
    def g(self):
        return 1


class Named:
    def h(self):
        return __class__
