import probe

A = probe.tick('a', [1])


def f():
    return 'old'
