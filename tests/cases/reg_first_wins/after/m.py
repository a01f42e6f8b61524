from hub import on


@on
def a(x=2):
    return x


@on
def b():
    return 1
