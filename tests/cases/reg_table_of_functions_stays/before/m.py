from hub import on


@on
def a():
    return 1


TABLE = {'a': a}
SIZE = len(TABLE)
