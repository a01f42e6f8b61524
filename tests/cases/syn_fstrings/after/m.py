W = 6


def f(x):
    return f'{x!r:<{W}}|{{}}|{f"{x}{x}"}'


def g(x):
    return f"{'class' if x else '#'}"
