def renamed():
    word = yield 1
    yield 'old', word


def method():
    word = yield 1
    kind = 'old'
    yield kind, word


def returned():
    return (yield 1), 'old'


def among_others():
    a = 'old'
    b = yield 1
    c = 'old'
    yield a, b, c


def argument():
    word = yield 1
    yield 'old', word


def either():
    word = yield 1
    yield 'old', word


def done_already():
    word = tuple(['old', (yield 1)])
    yield word


def thread(gate, out):
    word = gate.wait()
    out.append(('old', word))
