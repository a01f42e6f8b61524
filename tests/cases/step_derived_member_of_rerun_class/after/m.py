LIMIT = 5


class Meta(type):
    pass


class A(metaclass=Meta):
    kind = 'b'
    double = LIMIT * 2
    other = 3
