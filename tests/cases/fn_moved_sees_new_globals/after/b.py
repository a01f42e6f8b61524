RATE = 50


def price(n):
    return n * RATE
