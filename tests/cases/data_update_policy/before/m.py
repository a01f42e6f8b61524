__update_policy__ = {'SCORE': 'keep', 'TITLE': 'new'}
SCORE = 1
TITLE = 'a'
PLAIN = 1
