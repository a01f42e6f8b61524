from __future__ import annotations

first: int = 1
if first:
    taken: str = "x"
bare: float


def f(a: int) -> str:
    return "f"


class C:
    x: int = 1
