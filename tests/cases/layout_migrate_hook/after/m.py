class P:
    __slots__ = ('kelvin',)

    def __init__(self, kelvin):
        self.kelvin = kelvin

    def __migrate__(self, update):
        self.kelvin = update.old.celsius + 273
