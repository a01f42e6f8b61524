class Opt:
    def __init__(self, name, default): self.name = name; self.default = default
OPTS = [Opt('a', 10), Opt('b', 2), Opt('c', 3)]
BY = {o.name: o for o in OPTS}
MAIN = Opt('main', False)
def get(n): return BY[n].default
