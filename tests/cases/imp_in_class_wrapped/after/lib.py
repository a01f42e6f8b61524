V = 2
def f(): return 'f2'
