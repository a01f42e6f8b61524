GO_ON = True


def loop(lock, gate, out):
    while GO_ON:
        n = range(lock)
        out.put(('old', len(n)))
        gate.wait()
    out.put('old end')


def other():
    return 1
