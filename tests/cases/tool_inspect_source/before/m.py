def a():
    return 1


class C:
    def m(self):
        return 'm'

    def n(self):
        return 'n'
