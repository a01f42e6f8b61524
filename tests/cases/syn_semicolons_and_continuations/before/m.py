A = 1; B = 2; C = [3]
D = A + \
    B
def f(): return A; return B
class K: x = 1; y = 2
