def items(n):
    yield 'new', n
