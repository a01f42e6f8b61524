import functools
K = 10
@functools.lru_cache
def slow(x): return x + K
