class A:
    def v(self):
        return 10


a = A()
X = a.v() + 2
