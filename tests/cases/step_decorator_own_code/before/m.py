from deco import tag


@tag
def one():
    return 1
