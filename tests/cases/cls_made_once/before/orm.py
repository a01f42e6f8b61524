TABLES = {}


class Table:
    def __init__(self, columns):
        self.columns = columns


class Meta(type):
    def __new__(mcls, name, bases, ns):
        if name.lower() in TABLES:
            raise ValueError(f'table {name.lower()} is defined already')
        TABLES[name.lower()] = Table(sorted(k for k in ns if not k.startswith('_')))
        return super().__new__(mcls, name, bases, ns)
