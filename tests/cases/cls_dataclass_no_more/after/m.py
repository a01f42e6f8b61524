class P:
    def __init__(self, x=1): self.x = x
    def __repr__(self): return f'<P {self.x}>'
