SQUARES = {n: n * n for n in range(40)}
NAMES = sorted(str(n) for n in range(30))
