from hub import handler


@handler
def a(n=1):
    return 'a', n


@handler
def b(n=1):
    return 'b', n
