TAX = 2


def table():
    return " new"
