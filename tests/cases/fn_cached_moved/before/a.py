import functools
@functools.lru_cache
def slow(x): return x + 1
def plain(x): return slow(x) * 2
