import other


def f():
    return other.value()
