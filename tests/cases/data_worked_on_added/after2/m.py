G = {"stay": 1}
G["also"] = 2
L = [1]
S = {0}


class C:
    table = {"a": 1}
