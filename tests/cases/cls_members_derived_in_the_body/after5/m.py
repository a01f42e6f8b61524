from c import N
class K:
    LIMIT=N+1
    double=LIMIT*2
    quad=double*2
    NAMES=[f'n{i}' for i in range(3)]
    def f(self, n=LIMIT, m=2): return [n]
    def _get(self): return -self.LIMIT
    val=property(_get)
    alias=f
    class Inner:
        z=1
