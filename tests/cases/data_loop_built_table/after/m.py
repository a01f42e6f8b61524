TABLE = {}
for i in range(3):
    TABLE[i] = 'w%d' % i


def get(i):
    return TABLE[i]
