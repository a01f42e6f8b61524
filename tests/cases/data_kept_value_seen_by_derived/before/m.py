from functools import partial
def add(a,b): return a+b
inc=partial(add,1)
TABLE={'inc':inc}
