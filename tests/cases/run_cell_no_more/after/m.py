HELD = []


def gone():
    n = 0
    while True:
        n += 1
        word = 'new'
        value = n
        yield word, value


def made_again():
    n = 0
    while True:
        n += 1
        word = 'new'

        def inner():
            return 100
        value = n + inner()
        yield word, value


def held():
    n = 0
    while True:
        n += 1
        word = 'new'
        value = n
        yield word, value


def redefined():
    n = 0
    inner = lambda: 5
    while True:
        n += 1
        word = 'new'
        value = inner()
        yield word, value
