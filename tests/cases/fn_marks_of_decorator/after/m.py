from marks import Mark


@Mark('slow', 2)
def check(a):
    return a
