class Opt:
    def __init__(self, name, default): self.name = name; self.default = default
OPTS = [Opt('a', 1), Opt('b', 2)]
BY = {o.name: o for o in OPTS}
MAIN = Opt('main', True)
def get(n): return BY[n].default
