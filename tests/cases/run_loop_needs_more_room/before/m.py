GO_ON = True


def calls(gate):
    n = 0
    while GO_ON:
        gate.wait()
        n += 1
        gate.out.put(('old', n))


def in_c(gate):
    n = 0
    while GO_ON:
        range(gate)
        n += 1
        gate.out.put(('old', n))
