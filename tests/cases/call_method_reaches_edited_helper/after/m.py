def helper():
    return 10


class A:
    def __init__(self):
        self.v = helper()


X = A().v + 2
