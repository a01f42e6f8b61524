from marks import Mark


@Mark('slow', 1)
def check(a):
    return a
