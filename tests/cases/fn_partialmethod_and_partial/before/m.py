import functools


def scale(factor, n):
    return factor * n


double = functools.partial(scale, 2)


class Tool:
    def _set(self, what, value):
        return what, value
    set_a = functools.partialmethod(_set, 'a')
