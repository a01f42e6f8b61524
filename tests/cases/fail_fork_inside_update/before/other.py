def g():
    return 'g1'
