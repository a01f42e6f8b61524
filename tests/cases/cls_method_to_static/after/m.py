class Tool:
    @classmethod
    def make(cls):
        return cls.__name__

    def plain(self):
        return type(self).__name__
