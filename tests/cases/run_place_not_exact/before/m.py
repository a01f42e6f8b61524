def its_own_statement():
    yield 1
    yield 'old'


def renamed():
    word = 'old'
    yield 1
    yield word


def head():
    for n in range(1):
        yield n
    yield 'old'


def in_finally():
    try:
        if not in_finally:
            return
    finally:
        yield 1
        yield 'old'


def wrapped():
    yield 1
    yield 'old'


def new_value():
    yield 1
    yield 'old'


def twice():
    n = 1
    yield 1
    yield 'old'


as_lambda = lambda: (x for x in (1, 'old'))
