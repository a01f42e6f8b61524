import m
from m import A as X
def g(d=m.A): return d
