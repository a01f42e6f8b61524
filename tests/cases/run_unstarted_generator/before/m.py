def items(n):
    yield 'old', n
