__update_policy__ = {'A': 'keep'}
A = 1
B = 1
