from hub import listen


@listen
def one(n=1):
    return n


@listen
def two():
    return 2
