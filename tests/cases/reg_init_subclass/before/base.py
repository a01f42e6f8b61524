class Plugin:
    known = {}
    order = []

    def __init_subclass__(cls, key=None, **kw):
        super().__init_subclass__(**kw)
        Plugin.known[key] = cls
        Plugin.order.append(cls)
