from lib import maker, rate


def price():
    return rate() * 10


FIXED = rate() * 100
