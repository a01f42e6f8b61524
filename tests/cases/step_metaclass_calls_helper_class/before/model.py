class Field:
    pass


class Nested(Field):
    def __init__(self, model):
        self.model = model


class Options:
    def __init__(self, meta):
        self.name = getattr(meta, 'name', None)


class Meta(type):
    def __new__(mcs, name, bases, attrs):
        own = [(k, v) for k, v in attrs.items() if isinstance(v, Field)]
        for k, v in own:
            del attrs[k]
        cls = super().__new__(mcs, name, bases, attrs)
        inherited = [item for base in bases for item in getattr(base, '_fields', {}).items()]
        cls.options = Options(attrs.get('Meta'))
        cls._fields = dict(inherited + own)
        return cls


class Model(metaclass=Meta):
    pass
