value = 1


class Class:
    def v(self):
        return 1
