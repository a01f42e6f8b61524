def top():
    return 1


def outer():
    def inner():
        return 1 / 0
    return inner


class K:
    class L:
        def deep(self):
            return [x for x in ()]
