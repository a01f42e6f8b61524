def helper():
    return 1


class A:
    def __init__(self):
        self.v = helper()


X = A().v + 1
