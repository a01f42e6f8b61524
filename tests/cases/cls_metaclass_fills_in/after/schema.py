class Options:
    def __init__(self, meta):
        self.fields = getattr(meta, "fields", ())
        self.many = getattr(meta, "many", False)


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

    def __init__(self, many=None):
        self.many = self.opts.many if many is None else many
