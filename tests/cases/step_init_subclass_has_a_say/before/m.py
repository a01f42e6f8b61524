class Base:
    def __init_subclass__(cls):
        cls.slots = tuple(k for k in vars(cls) if k.startswith('on_'))


class Button(Base):
    def on_press(self):
        return 1
