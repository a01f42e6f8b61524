class E(Exception):
    def __init__(self, *a): super().__init__(*a); self.k = 1


class F(E): pass
