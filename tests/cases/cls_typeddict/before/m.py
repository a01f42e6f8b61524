from typing import TypedDict


class Row(TypedDict):
    id: int
