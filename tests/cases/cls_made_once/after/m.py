from orm import Meta


class User(metaclass=Meta):
    size = 30

    def title(self, long=False):
        return 'Mister' if long else 'Mr'

    @property
    def short(self):
        return self.title()[0]
