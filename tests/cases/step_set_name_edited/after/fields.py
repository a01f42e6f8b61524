class Field:
    def __set_name__(self, owner, name):
        self.key = owner.__name__ + '.' + name

    def __get__(self, obj, owner):
        return self.key
