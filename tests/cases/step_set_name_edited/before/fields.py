class Field:
    def __set_name__(self, owner, name):
        self.key = name

    def __get__(self, obj, owner):
        return self.key
