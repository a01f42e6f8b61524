class Base:
    def a(self):
        return 'base'


class Mixin(Base):
    def a(self):
        return 'mixin ' + super().a()


class Mid(Mixin, Base):
    pass


class Leaf(Mid):
    pass
