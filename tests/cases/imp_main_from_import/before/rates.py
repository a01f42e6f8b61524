TAX = 1


def table():
    return " old"
