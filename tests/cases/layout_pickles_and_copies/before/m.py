import copyreg
import dataclasses


class P:
    __slots__ = ('x', 'y')

    def __init__(self, x, y):
        self.x = x
        self.y = y


class Reg:
    __slots__ = ('v',)

    def __init__(self, v):
        self.v = v


def reduce_reg(r):
    return Reg, (r.v,)


copyreg.pickle(Reg, reduce_reg)


@dataclasses.dataclass(slots=True)
class D:
    a: int


class E(Exception):
    pass
