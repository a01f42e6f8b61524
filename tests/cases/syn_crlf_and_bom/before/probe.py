import itertools

_TICKS = {}


def tick(name, value=None):
    next(_TICKS.setdefault(name, itertools.count()))
    return value


def ticks(name):
    return int(str(_TICKS.get(name, 'count(0)'))[6:-1])
