def f(a, b):
    return a + b


class A:
    def v(self, k):
        return k

    @staticmethod
    def s(b, a):
        return a - b


a = A()
X = f(1, b=2), a.v(5), A().v(k=6), A.s(a=9, b=1)
