class Stack[T]:
    __slots__ = ('top', 'size')

    def __init__(self, top):
        self.top = top
        self.size = 0


class Sub(Stack[int]):
    __slots__ = ()


type Ints = Stack[int]
type Pair_[A, B] = tuple[A, B]
type Either = Stack | None


def first[T: Stack](s: T) -> T:
    return s.top
