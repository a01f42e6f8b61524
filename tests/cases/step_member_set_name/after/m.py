import probe


class Column:
    def __set_name__(self, owner, name):
        probe.tick(name)
        self.name = name

    def __get__(self, obj, owner=None):
        return (owner.__name__, self.name)


class Table:
    a = Column()
    c = Column()
    b = Column()
