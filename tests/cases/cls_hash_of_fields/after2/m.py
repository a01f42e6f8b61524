import functools
from dataclasses import dataclass, field


@dataclass(frozen=True)
class F:
    a: int


@dataclass(unsafe_hash=True)
class G:
    a: int
    b: int = field(default=2, hash=False)


class Sub(F):
    pass


class Plain:
    def __init__(self, x=1):
        self.x = x


@dataclass(frozen=True)
class Frozen:
    x: int = 1


CACHE = {}


@functools.lru_cache
def square(f):
    return f.a ** 2
