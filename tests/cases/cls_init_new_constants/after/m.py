class Shop:
    def __init__(self, name, currency='EUR'):
        self.name = name
        self.items = []
        self.index = {}
        self.open = True
        self.rates = {'std': 0.2, 'low': 0.1}
        self.currency = currency
