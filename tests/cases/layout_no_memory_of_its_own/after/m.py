class Empty:
    __slots__ = ('x',)

    def tell(self):
        return 2


class Sub(Empty):
    __slots__ = ()


class Num(int):
    def up(self):
        return self + 1


class Word(str):
    def up(self):
        return self.upper()


class Full:
    __slots__ = ()
