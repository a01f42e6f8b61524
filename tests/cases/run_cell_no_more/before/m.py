HELD = []


def gone():
    n = 0
    while True:
        n += 1
        word = 'old'
        inner = lambda: n
        value = inner()
        yield word, value


def made_again():
    n = 0
    while True:
        n += 1
        word = 'old'

        def inner():
            return n
        value = inner()
        yield word, value


def held():
    n = 0
    while True:
        n += 1
        word = 'old'
        inner = lambda: n
        HELD.append(inner)
        value = inner()
        yield word, value


def redefined():
    n = 0
    inner = lambda: n
    while True:
        n += 1
        word = 'old'
        value = inner()
        yield word, value
