from dataclasses import dataclass
@dataclass
class P:
    x: int = 1
@dataclass(eq=False)
class R:
    x: int = 1
