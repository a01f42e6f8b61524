class K:
    a=1
    a=2
    @property
    def c(self): return 1
    @c.setter
    def c(self,v): self.v=v
    @c.deleter
    def c(self): self.v=None
    def m(self): return 1
    def m(self): return 2
