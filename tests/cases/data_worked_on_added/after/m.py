G = {"stay": 1}
G["there"] = 3
G["also"] = 2
L = [1]
L.append(2)
S = {0}
for i in range(3):
    S.add(i)


class C:
    table = {"a": 1}
    table.update(b=2)
