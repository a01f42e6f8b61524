from lib import maker, rate


def price():
    return rate() * 10
