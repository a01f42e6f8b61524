def outer(a):
    def middle(b):
        def inner(c):
            return c, b, a
        return inner
    return middle
