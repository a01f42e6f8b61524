def make(cls=None, name=None, size=1):
    def wrap(cls):
        cls.made = (name, size)
        return cls
    return wrap if cls is None else wrap(cls)


_make = make


def build(name):
    return _make(name=name)(type(name, (), {}))


class Shop:
    def sell(self, what='all'):
        return what


shop = Shop()
sell = shop.sell


def sold():
    return sell()
