KEEP_A = 1
KEEP_B = [1]
FORCE = 'a'
REST = 1
