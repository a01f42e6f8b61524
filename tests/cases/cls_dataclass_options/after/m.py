from dataclasses import dataclass
@dataclass(eq=True, order=True, unsafe_hash=True)
class P:
    x: int = 1
@dataclass(repr=False)
class R:
    x: int = 1
