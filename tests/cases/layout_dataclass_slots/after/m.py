from dataclasses import dataclass, field


@dataclass(slots=True)
class P:
    x: int
    tags: list = field(default_factory=list)
    more: dict = field(default_factory=dict)
    level: int = 3
