from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nowhere import Thing
    from elsewhere import Other


def f(x: Thing | Other, *more: Other) -> list[Thing]:
    return [x, *more]
