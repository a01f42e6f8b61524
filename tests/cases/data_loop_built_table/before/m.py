TABLE = {}
for i in range(3):
    TABLE[i] = 'v%d' % i


def get(i):
    return TABLE[i]
