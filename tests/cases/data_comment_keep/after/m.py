LEVEL = 2  # midflight: keep
STORE = {'a': 2, 'b': 2}  # midflight: keep
X = 2
