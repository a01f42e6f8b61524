from .conf import RATE


class Model:
    rate = RATE

    def price(self, n):
        return n * self.rate
