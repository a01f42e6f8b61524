import probe


class Plugin:
    def __init_subclass__(cls, **kw):
        super().__init_subclass__(**kw)
        probe.tick(cls.__name__)
