def its_own_statement():
    yield 2
    yield 'new'


def renamed():
    term = 'new'
    yield 1
    yield term


def head():
    for n in range(2):
        yield n
    yield 'new'


def in_finally():
    try:
        if not in_finally:
            return
    finally:
        yield 1
        yield 'new'


def wrapped():
    if wrapped:
        yield 1
    yield 'new'


def new_value():
    word = 'new'
    yield 1
    yield word


def twice():
    n = 2
    yield 1
    yield 1
    yield 'new'


as_lambda = lambda: (x for x in (1, 'new'))
