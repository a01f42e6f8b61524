RATE = 1


def price(n):
    return n * RATE
