from typing import overload


@overload
def conv(x: int) -> str: ...
@overload
def conv(x: str) -> int: ...
def conv(x):
    return hex(x) if isinstance(x, int) else int(x, 16)
