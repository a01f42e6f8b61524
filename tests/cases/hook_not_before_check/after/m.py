import log

V = 2
raise RuntimeError
