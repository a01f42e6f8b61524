import enum


class Mode(enum.Enum):
    SLOW = 1
    FAST = 2
    GONE = 3

    def label(self):
        return self.name.lower()
