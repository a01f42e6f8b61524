PATHS = ['a']
PATHS += ['b']
PATHS.append('c')
N = 1
N += 2
N *= 3
S = 'x'
S += 'y'
D = {}
D['k'] = 1
D.update(z=2)
T = PATHS[:]
