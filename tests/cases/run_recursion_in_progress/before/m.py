def walk(n, at):
    if n == 3:
        at()
    return [] if n == 0 else ['old%d' % n] + walk(n - 1, at)
