MODE = 'a'  # midflight: new
TABLE = {'a': 1}  # midflight: new
X = 1
