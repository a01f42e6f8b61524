from dataclasses import dataclass


@dataclass(order=True, unsafe_hash=True)
class V:
    y: int = 0
    x: int = 0
