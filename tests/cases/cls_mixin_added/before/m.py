class Base:
    def a(self):
        return 'base'


class Mid(Base):
    pass


class Leaf(Mid):
    pass


class Mixin(Base):
    def a(self):
        return 'mixin ' + super().a()
