from meta import Meta


class Unit(metaclass=Meta):
    def go(self):
        return self.made_by
