class A:
    x = 1

    def f(self):
        return 'f1'


class B(A):
    def g(self):
        return 'g1'
