from .conf import RATE


class Model:
    rate = RATE
    vat = 1

    def price(self, n):
        return n * self.rate + self.vat
