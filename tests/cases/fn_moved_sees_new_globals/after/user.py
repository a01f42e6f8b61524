from b import price


def call(n):
    return price(n)
