def f():
    return 'old', 'old'


def call(n):
    return [f() for _ in range(n)]
