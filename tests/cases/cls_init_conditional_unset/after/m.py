import random


class Shop:
    def __init__(self, name, discount=None):
        self.name = name
        self.lucky = random.random()
        if discount:
            self.discount = discount
