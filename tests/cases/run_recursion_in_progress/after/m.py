def walk(n, at):
    if n == 3:
        at()
    return [] if n == 0 else ['new%d' % n] + walk(n - 1, at)
