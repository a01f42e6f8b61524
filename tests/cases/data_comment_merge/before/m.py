__update_policy__ = {'A': 'keep', 'B': 'keep'}
A = {'x': 1}  # midflight: merge
B = {'x': 1}
