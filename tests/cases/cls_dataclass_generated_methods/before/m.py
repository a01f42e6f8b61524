from dataclasses import dataclass


@dataclass
class V:
    x: int
    y: int = 0
