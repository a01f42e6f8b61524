from dataclasses import dataclass


@dataclass
class Rect:
    w: int
    h: int

    def __post_init__(self):
        self.area = self.w * self.h * 100
