def f():
    return 'new', 'new'


def call(n):
    return [f() for _ in range(n)]
