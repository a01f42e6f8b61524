class Gone:
    def f(self):
        return "still here"


class Unused:
    def f(self):
        return self.__class__


class Lower(Unused):
    pass


class Outer:
    class Inner:
        pass

    def g(self):
        return 1


class Renamed:
    def h(self):
        return __class__
