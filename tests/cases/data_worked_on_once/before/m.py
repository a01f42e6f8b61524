KEEP = {}  # midflight: once
KEEP.update(a=1, b=2)
TABLE = {"a": 1}
TABLE.update(b=2, c=3, d=4)
LIST = []
LIST.append("x")  # midflight: once
LIST.extend(["y", "z"])
