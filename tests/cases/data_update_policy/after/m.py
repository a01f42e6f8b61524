__update_policy__ = {'SCORE': 'keep', 'TITLE': 'new'}
SCORE = 2
TITLE = 'b'
PLAIN = 2
