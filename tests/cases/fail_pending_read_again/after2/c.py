def h():
    return 'c2'
