LIMIT = 9


def make(name):
    def get():
        return name, LIMIT
    return get
