def make(cls=None, name=None, size=1, extra=True):
    def wrap(cls):
        cls.made = (name, size, extra)
        return cls
    return wrap if cls is None else wrap(cls)


_make = make


def build(name):
    return _make(name=name)(type(name, (), {}))


class Shop:
    def sell(self, what='all', where='here'):
        return what, where


shop = Shop()
sell = shop.sell


def sold():
    return sell()
