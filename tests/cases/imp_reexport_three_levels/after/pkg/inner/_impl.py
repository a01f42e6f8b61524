value = 2


class Class:
    def v(self):
        return 2
