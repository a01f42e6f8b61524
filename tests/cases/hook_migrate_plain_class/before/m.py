class Temp:
    def __init__(self, celsius):
        self.celsius = celsius

    def __migrate__(self, update):
        self.celsius = update.old.kelvin - 273
