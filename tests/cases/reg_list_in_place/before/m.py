from hub import handler


@handler(1)
def a():
    return 'a'


@handler(2)
def b():
    return 'b'


@handler(3)
def c():
    return 'c'
