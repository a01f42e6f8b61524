class Base:
    pass


class Sub(Base):
    x = 2
    y = 3

    def f(self):
        return super().__init__()
