import probe


class Base:
    LEVEL = 2

    def hello(self):
        return 'new'

    def bye(self):
        return 'bye'


class Child(Base):
    probe.tick('child')


Alias = probe.tick('alias', Base)
DEFAULT = probe.tick('instance', Base())
