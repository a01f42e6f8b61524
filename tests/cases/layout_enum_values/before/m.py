import enum


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2
    GONE = 3

    def up(self):
        return self + 1


class Color(enum.StrEnum):
    RED = 'red'
    BLUE = enum.auto()


class Share(float, enum.Enum):
    HALF = 0.5


class Pair(tuple, enum.Enum):
    ONE = (1, 2)


class Perm(enum.IntFlag):
    R = 1
    W = 2


class Soft(enum.Flag):
    A = 1
    B = 2


class Box:
    def __init__(self, level):
        self.level = level


ORDER = [Level.LOW, Level.HIGH]


def default(level=Level.LOW):
    return level
