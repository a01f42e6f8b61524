from conf import LIMIT

OPTIONS = {'limit': LIMIT, 'double': LIMIT * 2}


def f(n=LIMIT):
    return n


class C:
    limit = LIMIT + 1
