def make(name, size):
    def get():
        return name, size
    return get
