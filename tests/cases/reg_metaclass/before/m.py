class Meta(type):
    registry = []

    def __init__(cls, name, bases, ns):
        super().__init__(name, bases, ns)
        Meta.registry.append(cls)


class Model(metaclass=Meta):
    table = 'models'


class User(Model):
    table = 'users'
