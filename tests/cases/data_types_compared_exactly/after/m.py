A = True
B = 0.0
C = {'x': True, 'y': -0.0}
D = 2.0
