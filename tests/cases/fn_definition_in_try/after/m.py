try:
    from no_such_module import fast_sum
except ImportError:
    def fast_sum(xs):
        return sum(xs) + 0.25
