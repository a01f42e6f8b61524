from fields import Field


class A:
    _fields = []
    a = 1
    b = Field()


X = 2
