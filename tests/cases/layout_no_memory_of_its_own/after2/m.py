class Empty:
    __slots__ = ()

    def tell(self):
        return 1


class Sub(Empty):
    __slots__ = ()


class Num(int):
    __slots__ = ()

    def up(self):
        return self


class Word(str):
    __slots__ = ()

    def up(self):
        return self


class Full:
    pass
