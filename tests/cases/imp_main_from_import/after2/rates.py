TAX = 3


def table():
    return " last"
