def make(name, size):
    def get():
        return name

    def both():
        return name, size
    return get, both
