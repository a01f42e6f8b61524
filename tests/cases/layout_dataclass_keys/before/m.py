from dataclasses import dataclass, field


@dataclass(slots=True)
class A:
    x: int = 0


@dataclass(slots=True)
class B(A):
    y: list = field(default_factory=list)
    def sup(self): return super().__repr__()


@dataclass(slots=True, frozen=True, eq=True)
class F:
    a: int
