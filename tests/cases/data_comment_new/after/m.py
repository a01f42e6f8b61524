MODE = 'b'  # midflight: new
TABLE = {'a': 1, 'c': 3}  # midflight: new
X = 2
