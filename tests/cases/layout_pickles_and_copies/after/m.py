import copyreg
import dataclasses


class P:
    __slots__ = ('x', 'y', 'z')

    def __init__(self, x, y):
        self.x = x
        self.y = y
        self.z = 0


class Reg:
    __slots__ = ('v', 'w')

    def __init__(self, v):
        self.v = v
        self.w = None


def reduce_reg(r):
    return Reg, (r.v,)


copyreg.pickle(Reg, reduce_reg)


@dataclasses.dataclass(slots=True)
class D:
    a: int
    b: list = dataclasses.field(default_factory=list)


class E(LookupError):
    pass
