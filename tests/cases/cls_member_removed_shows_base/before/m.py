class A:
    limit = 1

    def who(self):
        return 'A'


class B(A):
    limit = 2

    def who(self):
        return 'B'
