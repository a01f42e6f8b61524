class Plugin:
    def __init_subclass__(cls):
        cls.slug = 'plugin-' + cls.__name__.lower()
