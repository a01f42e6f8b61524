def make(name, size):
    def get():
        return name, size

    def both():
        return name, size
    return get, both
