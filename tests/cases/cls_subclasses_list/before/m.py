class Base:
    pass


class Sub(Base):
    x = 1
