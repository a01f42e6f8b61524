from a import price


def call(n):
    return price(n)
