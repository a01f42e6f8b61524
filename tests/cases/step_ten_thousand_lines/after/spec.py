EDITED = 'return -1'
