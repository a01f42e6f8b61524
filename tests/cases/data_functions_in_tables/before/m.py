OPS = {'add': lambda a, b: a + b, 'sub': lambda a, b: a - b}


def run(op, a, b):
    return OPS[op](a, b)
