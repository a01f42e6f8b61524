import m

N = 0


def bump():
    global N
    N += 1
    return m.F()
