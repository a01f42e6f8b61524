def g():
    return 'b2'


undefined
