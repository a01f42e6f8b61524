def upper(words):
    return tuple(w.upper() for w in words)
