KEEP_A = 2
KEEP_B = [2]
FORCE = 'b'
REST = 2
