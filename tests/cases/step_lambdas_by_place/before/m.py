PAIR = (lambda n: n + 1, lambda n: n * 10)
