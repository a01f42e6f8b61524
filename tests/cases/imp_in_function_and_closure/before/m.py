def call():
    from lib import f, N
    return f(), N


def holder():
    from lib import f

    def inner():
        return f()
    return inner
