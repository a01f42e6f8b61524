def top():
    a = 1
    b = 2
    return a + b


def outer():
    def inner():
        return 1 / 0
    return inner


class K:
    class L:
        def deep(self):
            return [x for x in ()]
