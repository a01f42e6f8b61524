from typing import Generic, TypeVar

T = TypeVar('T')


class Box(Generic[T]):
    def get(self):
        return 'new'

    kind = 'box'


IntBox = Box[int]
