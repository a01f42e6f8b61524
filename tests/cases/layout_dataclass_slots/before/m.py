from dataclasses import dataclass, field


@dataclass
class P:
    x: int
    tags: list = field(default_factory=list)
