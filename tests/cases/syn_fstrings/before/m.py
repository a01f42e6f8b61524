W = 5


def f(x):
    return f'{x!r:>{W}}|{{}}|{f"{x}"}'


def g(x):
    return f"{'def' if x else ':'}"
