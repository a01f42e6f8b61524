D = {"w": 0}
D.update(x=1, y=2)
K = {}
K.update(x=1, y=2)
A = {"a": 1}
A |= {"b": 2, "c": 3}
L = [1]
L.extend([2, 3, 4])
P = [1]
P += [2, 3]
S = {0}
S.update({1, 2, 3})
N = {}
for k in "abc":
    N[k] = 1
I = []
for i in range(4):
    I.append(i)
G = {"stay": 1}
G["gone"] = 1
G["also"] = 2
O = [1, 2, 3]
O.remove(2)
Q = []
Q.append("one")
Q.append("two")


class C:
    items = []
    for i in range(4):
        items.append(i)
    table = {"a": 1}
    table.update(b=2, c=3)
    listed = [1]
    listed.append(2)
    one = {}
    one["a"] = 1
    one["b"] = 2


CACHE = {}
CACHE.update(a=1, b=2)


def put(k, v):
    CACHE[k] = v


def also(k):
    put(k, 1)
