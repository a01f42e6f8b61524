def f(a: int) -> str:
    return str(a)
