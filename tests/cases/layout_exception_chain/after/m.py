class E(Exception):
    __slots__ = ('code',)
    def __init__(self, *a): super().__init__(*a); self.k = 1; self.code = 0


class F(E): pass
