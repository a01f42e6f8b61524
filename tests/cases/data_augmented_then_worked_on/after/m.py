PATHS = ['a']
PATHS += ['b2']
PATHS.append('c')
N = 1
N += 5
N *= 3
S = 'x'
S += 'z'
D = {}
D['k'] = 10
D.update(z=2, y=3)
T = PATHS[:]
