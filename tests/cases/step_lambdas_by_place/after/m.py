PAIR = (lambda n: n + 2, lambda n: n * 20)
