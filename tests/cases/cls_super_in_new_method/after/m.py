class A:
    def hi(self):
        return ['A2']


class B(A):
    def hi(self):
        return ['B2'] + super().hi()

    def me(self):
        return __class__


class C(B):
    def hi(self):
        return ['C2'] + super().hi()
