import probe


class Meta(type):
    def __new__(mcls, name, bases, ns):
        probe.tick('new ' + name)
        return super().__new__(mcls, name, bases, ns)

    def __init__(cls, name, bases, ns):
        probe.tick('init ' + name)
        super().__init__(name, bases, ns)


class Unit(metaclass=Meta):
    def move(self):
        return 'walk'
