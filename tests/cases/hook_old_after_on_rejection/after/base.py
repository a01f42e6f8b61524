import log

V = 2
