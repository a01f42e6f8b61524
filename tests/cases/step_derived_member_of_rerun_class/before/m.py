LIMIT = 1


class Meta(type):
    pass


class A(metaclass=Meta):
    kind = 'a'
    double = LIMIT * 2
    other = 3
