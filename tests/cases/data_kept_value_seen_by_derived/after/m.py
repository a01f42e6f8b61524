from functools import partial
def add(a,b): return (a+b)*10
inc=partial(add,1)
TABLE={'inc':inc}
