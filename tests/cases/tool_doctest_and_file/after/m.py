def f():
    return 1


def g():
    """
    >>> g()
    2
    """
    def nested():
        return 0
    return nested() + 2


class K:
    class L:
        def m(self):
            return lambda: 3
