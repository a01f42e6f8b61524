import drive


def f():
    return 2


INNER = drive.inner()
