class Meta(type):
    def __new__(mcls, name, bases, ns):
        ns['made_by'] = 'v2'
        ns['number'] = 2
        return super().__new__(mcls, name, bases, ns)
