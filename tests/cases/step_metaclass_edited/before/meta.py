class Meta(type):
    def __new__(mcls, name, bases, ns):
        ns['made_by'] = 'v1'
        return super().__new__(mcls, name, bases, ns)
