C = 0


def F():
    return 1


class A:
    def __init__(self):
        global C
        C += 1


X = 0
