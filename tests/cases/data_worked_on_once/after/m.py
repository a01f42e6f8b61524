KEEP = {}  # midflight: once
KEEP.update(a=1)
TABLE = {"a": 1}
TABLE.update(b=20, d=4)
LIST = []
LIST.append("x")  # midflight: once
LIST.extend(["w"])
