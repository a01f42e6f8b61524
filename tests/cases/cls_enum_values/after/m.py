import enum


class Mode(enum.Enum):
    SLOW = 1
    FAST = 20
    TURBO = 30

    def label(self):
        return self.name.title()
