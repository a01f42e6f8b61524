from dataclasses import dataclass, field


@dataclass(slots=True)
class A:
    x: int = 0
    w: dict = field(default_factory=dict)


@dataclass(slots=True)
class B(A):
    y: list = field(default_factory=list)
    z: int = 7
    def sup(self): return super().__repr__()


@dataclass(slots=True, frozen=True, eq=True)
class F:
    a: int
    b: int = 4
