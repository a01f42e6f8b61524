LIMIT = 9


def make(name, LIMIT=LIMIT):
    def get():
        return name, LIMIT, 'cell'
    return get
