import probe


class Base:
    LEVEL = 1

    def hello(self):
        return 'old'


class Child(Base):
    probe.tick('child')


Alias = probe.tick('alias', Base)
DEFAULT = probe.tick('instance', Base())
