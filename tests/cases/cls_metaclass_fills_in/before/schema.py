class Options:
    def __init__(self, meta):
        self.fields = getattr(meta, "fields", ())


class SchemaMeta(type):
    def __new__(mcs, name, bases, body):
        cls = super().__new__(mcs, name, bases, body)
        cls.opts = cls.OPTIONS(cls.Meta)
        return cls


class Schema(metaclass=SchemaMeta):
    OPTIONS = Options
    opts = None     # the metaclass fills it in

    class Meta:
        pass

    def __init__(self, many=False):
        self.many = many
