scratch = [1, 2, 3]
TOTAL = sum(scratch)
del scratch


def total():
    return TOTAL
