def upper(words):
    return tuple('<%s>' % w.upper() for w in words)
