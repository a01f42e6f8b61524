from hub import on


@on
def a():
    return 1


@on
def b():
    return 1
