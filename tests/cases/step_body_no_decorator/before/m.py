from deco import traced


@traced
def price(n):
    return n * 2
