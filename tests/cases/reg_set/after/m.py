from hub import listen


@listen
def one(n=10):
    return n


@listen
def three():
    return 3
