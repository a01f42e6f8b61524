X = 2
try:
    import newmod
except ZeroDivisionError:
    newmod = None
