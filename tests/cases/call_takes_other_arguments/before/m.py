def f(a):
    return a


class A:
    def v(self):
        return 1

    @staticmethod
    def s(a):
        return a


a = A()
X = 0
