class Meta(type):
    made = []

    def __init__(cls, name, bases, space):
        super().__init__(name, bases, space)
        cls.made.append(cls)

    def __len__(cls):
        return len(cls.__name__)


class Base(metaclass=Meta):
    def who(self):
        return "base"


class Sub(Base):
    def who(self):
        return "sub"


class Other:
    pass
