G = {"stay": 1}
G["also"] = 2
