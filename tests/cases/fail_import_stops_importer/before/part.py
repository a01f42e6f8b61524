import m

V = 1
