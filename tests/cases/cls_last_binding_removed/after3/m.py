class K:
    a=1
    @property
    def c(self): return 1
    @c.setter
    def c(self,v): self.v=v
    def m(self): return 1
