__update_policy__ = {'B': 'keep'}
A = 2
B = 2
