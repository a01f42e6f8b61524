import functools
from dataclasses import dataclass, field


@dataclass(frozen=True)
class F:
    a: int
    b: int = 4


@dataclass(unsafe_hash=True)
class G:
    a: int
    b: int = field(default=2)


class Sub(F):
    pass


@dataclass(frozen=True)
class Plain:
    x: int = 1


class Frozen:
    def __init__(self, x=1):
        self.x = x


CACHE = {}


@functools.lru_cache
def square(f):
    return f.a ** 2
