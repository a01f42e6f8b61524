D = {"w": 0}
D.update(x=1)
K = {}
K.update(x=5)
A = {"a": 1}
A |= {"b": 2}
L = [1]
L.extend([2, 4])
P = [1]
P += [3]
S = {0}
S.update({1, 3})
N = {}
for k in "ab":
    N[k] = 1
I = []
for i in range(2):
    I.append(i)
G = {"stay": 1}
G["also"] = 2
O = [1, 2, 3]
O.remove(3)
Q = []
Q.append("one")
Q.append("three")


class C:
    items = []
    for i in range(2):
        items.append(i)
    table = {"a": 1}
    table.update(b=2)
    listed = [1]
    listed.append(5)
    one = {}
    one["a"] = 1


CACHE = {}
CACHE.update(a=1)


def put(k, v):
    CACHE[k] = v


def also(k):
    put(k, 1)
