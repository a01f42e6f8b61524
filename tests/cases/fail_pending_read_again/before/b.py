def g():
    return 'b1'
