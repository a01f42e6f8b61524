import sys


def normal(error):
    try:
        yield 'body'
    finally:
        yield 'closing'
        word = 'new'
        yield word, sys.exc_info()[0]
    yield 'new end'


def failing(error):
    try:
        yield 'body'
    except KeyError:
        pass
    else:
        yield 'never'
    finally:
        yield 'closing'
        word = 'new'
        yield word, sys.exc_info()[0]
    yield 'never'


def inner_loop(error):
    try:
        while True:
            for _ in range(3):
                continue
            yield 'body'
            break
    finally:
        yield 'closing'
        word = 'new'
        yield word, sys.exc_info()[0]


def nested(error):
    try:
        yield 'body'
    finally:
        try:
            pass
        finally:
            yield 'closing'
            yield 'new'
    yield 'new end'


async def left(ctx, error):
    async with ctx:
        word = 'new'
        if error is not None:
            raise error
    word = 'new'
    return word


def leaves(n):
    try:
        yield 'body'
        if n:
            return
    finally:
        yield 'closing'
        yield 'new'
