LEVEL = 1


def level():
    return LEVEL


class Reader:
    def read(self):
        return LEVEL
