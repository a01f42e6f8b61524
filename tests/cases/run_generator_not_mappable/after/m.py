def items():
    for n in range(3):
        yield 'new %d' % n
