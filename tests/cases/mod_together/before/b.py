import a

W = 1


def pair():
    return a.f(), a.V, g(), W


def g():
    return 1
