class A:
    def v(self):
        return 1


a = A()
X = a.v() + 1
