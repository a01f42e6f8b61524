from hub import handler


@handler
def a(n=2):
    return 'a', n


@handler
def b(n=1):
    return 'b', n
