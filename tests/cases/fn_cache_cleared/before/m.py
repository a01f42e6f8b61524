import functools


@functools.cache
def area(n):
    return n * n


@functools.lru_cache(maxsize=8)
def other(n):
    return n
