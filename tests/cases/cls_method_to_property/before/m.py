class Box:
    def size(self):
        return 3

    @property
    def name(self):
        return 'computed'
