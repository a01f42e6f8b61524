import hub

C = 0


def F():
    return 2


class A:
    def __init__(self):
        global C
        C += 1


X = A() and C, hub.bump()
