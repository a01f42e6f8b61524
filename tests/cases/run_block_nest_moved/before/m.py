LOG = []


class Held:
    def __init__(self, name):
        self.name = name

    def __enter__(self):
        LOG.append('enter ' + self.name)
        return self.name

    def __exit__(self, *error):
        LOG.append('leave ' + self.name + ' old')


def in_with(log):
    with Held('a') as a, Held('b') as b:
        for held in a, b:
            try:
                for n in range(2):
                    yield 'old', held, n
            finally:
                held = None


def in_handler(log):
    try:
        raise ValueError('first')
    except ValueError as e:
        yield 'waits'
        yield 'old: %s' % e


def in_else(log):
    if log is None:
        yield 'never'
    else:
        yield 'waits'
        yield 'old else'


def in_two_loops(log):
    for x in range(2):
        for y in range(2):
            yield x, y, kind()


def kind():
    return 'old'


def from_other(log):
    yield from range(3)
    yield 'old end'
