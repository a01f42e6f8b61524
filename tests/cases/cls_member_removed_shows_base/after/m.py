class A:
    limit = 1

    def who(self):
        return 'A'


class B(A):
    pass
