type Pair[T] = tuple[T, T]


def first[T](x: Pair[T]) -> T:
    return x[0]


class Box[T]:
    def __init__(self, item: T):
        self.item = item

    def get[U](self, other: U) -> T | U:
        return self.item
