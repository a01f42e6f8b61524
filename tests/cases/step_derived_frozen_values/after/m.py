import collections
import dataclasses

SIZE = 4


@dataclasses.dataclass(frozen=True)
class Box:
    w: int
    h: int


Point = collections.namedtuple('Point', 'x y')
BOX = Box(SIZE, SIZE * 2)
ORIGIN = Point(SIZE, -SIZE)
