def f():
    return 1


def g():
    return 2


H = {}
H.update(a=f)
HL = []
HL.extend([f])
W = 2
R = []
for i in range(W):
    R.append(i)
DEBUG = False
D = {"a": 1}
if DEBUG:
    D.update(x=1)
A = {}
B = []
for k in ("p", "r"):
    A[k] = 1
    B.append(k)
T = {}
for k in ("p", "q"):
    T[k] = W
T.update(zz=5)
T["y"] = 6
SEEN = []


def see(name):
    SEEN.append(name)


see("one")
SEEN.extend(["three"])


class C:
    sizes = {k: 1 for k in ("a", "b")}
    sizes["c"] = W

    def add(self, x):
        self.sizes["x"] = x
