def g():
    return 'new'
