from hub import on
import other


@on
def a(x=2):
    return x


TABLE = {'a': a}
SIZE = len(TABLE) + len(other.NAMES)
