import a

W = 2


def pair():
    return a.f(), a.V, g(), W


def g():
    return 2
