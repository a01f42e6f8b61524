N = 5
T = {}
T['n'] = N
T['m'] = N * 2
L = []
L.append(N)
L.extend([N, N])
St = set()
St.add(N)
