def f(a: float, b: 'int' = 2) -> bytes:
    return str(a).encode()
