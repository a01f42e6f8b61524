class K:
    a=1
    @property
    def c(self): return 1
    def m(self): return 1
