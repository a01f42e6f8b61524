GO_ON = True


def loop(lock, gate, out):
    while GO_ON:
        n = range(lock)
        out.put(('new', len(n)))
        gate.wait()
    out.put('new end')


def other():
    return 2
