EDITED = 'return 500'
