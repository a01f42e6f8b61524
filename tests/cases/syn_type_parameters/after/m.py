type Pair[T] = tuple[T, T, T]


def first[T](x: Pair[T]) -> T:
    return 'first', x[0]


class Box[T]:
    def __init__(self, item: T):
        self.item = item

    def get[U](self, other: U) -> T | U:
        return other
