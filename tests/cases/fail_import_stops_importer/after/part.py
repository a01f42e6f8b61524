import m

V = 1 / 0
