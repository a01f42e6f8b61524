import enum


class Level(enum.IntEnum):
    LOW = 10
    HIGH = 20
    TOP = 99

    def up(self):
        return self + 1


class Color(enum.StrEnum):
    RED = 'rot'
    BLUE = enum.auto()


class Share(float, enum.Enum):
    HALF = 0.25


class Pair(tuple, enum.Enum):
    ONE = (1, 5)


class Perm(enum.IntFlag):
    R = 8
    W = 2


class Soft(enum.Flag):
    A = 4
    B = 2


class Box:
    def __init__(self, level):
        self.level = level


ORDER = [Level.LOW, Level.HIGH]


def default(level=Level.LOW):
    return level
