class A:
    x = 2

    def f(self):
        return 'f2'


class B(A):
    y = 1 // 1

    def g(self):
        return 'g2'
