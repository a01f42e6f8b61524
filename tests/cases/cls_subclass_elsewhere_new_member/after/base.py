class Actor:
    speed = 3

    def __eq__(self, other):
        return type(self) is type(other)

    __hash__ = object.__hash__

    def __len__(self):
        return 7
