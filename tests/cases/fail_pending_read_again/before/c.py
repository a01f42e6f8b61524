def h():
    return 'c1'
