def make(a, b):
    def get():
        return 'only', b
    return get


KEPT = make(1, 2)
