try:
    import speedups
except ImportError:
    speedups = None


def f():
    return speedups is not None, 1
