def even(n):
    return 'yes' if n == 0 else odd(n - 1)


def odd(n):
    return 'no' if n == 0 else even(n - 1)
