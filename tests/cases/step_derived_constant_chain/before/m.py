BASE = 10
DOUBLE = BASE * 2
LABEL = 'total %d' % DOUBLE
OTHER = 'fixed'
