SQUARES = {n: n * n for n in range(41)}
NAMES = sorted(str(n) for n in range(29))
