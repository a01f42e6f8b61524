LOG = []


class P:
    def __init__(self, x): self.x = x
    def __del__(self): LOG.append(self.x)
