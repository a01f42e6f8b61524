def load(n):
    return {'row%d' % i: [i] * 40 for i in range(n)}
