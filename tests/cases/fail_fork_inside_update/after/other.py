def g():
    return 'g2'
