from typing import TypedDict


class Row(TypedDict, total=False):
    id: int
    name: str
