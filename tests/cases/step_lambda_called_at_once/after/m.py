K = 3
F = lambda x: x * K
G = [lambda x: x + K, lambda x: x - K]
H = {'m': (lambda x, k=K: x * k)}
R = list(map(lambda x: x * K, [1, 2]))
FIL = [x for x in range(5) if (lambda v: v > K)(x)]
