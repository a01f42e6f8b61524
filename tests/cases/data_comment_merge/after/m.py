__update_policy__ = {'A': 'keep', 'B': 'keep'}
A = {'x': 2}  # midflight: merge
B = {'x': 2}
