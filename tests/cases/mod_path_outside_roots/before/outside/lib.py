def g():
    return 'old'
