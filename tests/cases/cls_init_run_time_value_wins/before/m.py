class Shop:
    def __init__(self):
        self.name = 'n'
