def renamed():
    text = yield 1
    yield 'new', text


def method():
    word = (yield 1).strip()
    kind = 'new'
    yield kind, word


def returned():
    text = yield 1
    return text, 'new'


def among_others():
    first = 'new'
    second = yield 1
    third = 'new'
    a = 'new'
    yield a, second, third


def argument():
    word = yield 2
    yield 'new', word


def either():
    word = [(yield 1)]
    text = (yield 1), word
    yield 'new', text


def done_already():
    word = list(['new', (yield 1)])
    yield word


def thread(gate, out):
    text = gate.wait().strip()
    out.append(('new', text))
