class Plugin:
    def __init_subclass__(cls):
        cls.slug = cls.__name__.lower()
