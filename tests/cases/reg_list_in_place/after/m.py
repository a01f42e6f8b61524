from hub import handler


@handler(1)
def a():
    return 'a'


@handler(20)
def b():
    return 'b new'


@handler(3)
def c():
    return 'c'
