def g():
    return 'b2'
