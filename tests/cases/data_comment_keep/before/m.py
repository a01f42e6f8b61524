LEVEL = 1  # midflight: keep
STORE = {'a': 1}  # midflight: keep
X = 1
