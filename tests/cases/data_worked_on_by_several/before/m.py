def f():
    return 1


def g():
    return 2


H = {}
H.update(a=f, b=g)
HL = []
HL.extend([f, g])
W = 3
R = []
for i in range(W):
    R.append(i)
DEBUG = True
D = {"a": 1}
if DEBUG:
    D.update(x=1)
A = {}
B = []
for k in ("p", "q", "r"):
    A[k] = 1
    B.append(k)
T = {}
for k in ("p", "q"):
    T[k] = W
T.update(z=5)
T["y"] = 6
SEEN = []


def see(name):
    SEEN.append(name)


see("one")
SEEN.extend(["two"])


class C:
    sizes = {k: 1 for k in ("a", "b")}
    sizes["c"] = W
    sizes["d"] = 4

    def add(self, x):
        self.sizes["x"] = x
