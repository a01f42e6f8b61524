A = 1; B = 5; C = [3]
D = A + \
    B
def f(): return B; return A
class K: x = 1; y = 7
