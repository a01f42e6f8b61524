def make(a, b):
    def get():
        return a, b
    return get


KEPT = make(1, 2)
