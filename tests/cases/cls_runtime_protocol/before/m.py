from typing import Protocol, runtime_checkable


@runtime_checkable
class Draws(Protocol):
    def draw(self): ...


class Pen:
    def draw(self):
        return 1


class Brush:
    def draw(self):
        return 2

    def dip(self):
        return 3
