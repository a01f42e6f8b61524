import functools


@functools.cache
def area(n):
    return n * n * 10


@functools.lru_cache(maxsize=8)
def other(n):
    return n
